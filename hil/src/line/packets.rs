use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::endpoint::Peer;
use super::fault::{Exchange, Reply};
use super::transmission::Transmission;
use super::units::Units;
use super::{Fault, FaultTarget, LineCounters, Pace, Turnaround, UnitCounters, Wire};
use crate::gauge::{Gauge, GaugeValues};
use crate::modbus::{self, ExceptionCode, Request, crc16, seal};

/// Transaction, protocol and length.
///
/// Source: MODBUS Messaging on TCP/IP V1.0b, 3.1.3; the unit is counted with what follows here.
const HEADER_BYTES: usize = 6;

/// Bytes of unit and data in a packet.
///
/// Source: MODBUS Messaging on TCP/IP V1.0b, 4.2: 260 bytes with the header, unit among them.
const BODY_BYTES: std::ops::RangeInclusive<usize> = 2..=254;

/// Requests of one client that may be open; what comes beyond is not answered.
const OPEN_REQUESTS: usize = 64;

/// What a client sees now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PacketOutput {
    /// The client.
    pub to: Peer,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The unit and values of a reading that ends with these.
    pub completes: Option<(u8, GaugeValues)>,
    /// Whether the connection ends.
    pub hangs_up: bool,
}

/// Gauges behind Modbus TCP, on the caller's clock.
///
/// Each client may have several requests open; each answer carries the number of its request. There is no wire: an answer
/// comes after the gauge's turn-around. A gauge answers one request after the other, several gauges at once. A unit that
/// is not here is answered with exception 11, as by a gateway.
#[derive(Debug)]
pub(super) struct PacketServer {
    units: Units,
    received: BTreeMap<Peer, Vec<u8>>,
    sending: Vec<(Exchange, bool, Transmission)>,
    outputs: VecDeque<PacketOutput>,
    counters: LineCounters,
}

impl PacketServer {
    pub(super) fn new(turnaround: Turnaround, gauges: Vec<Gauge>, seed: u64) -> Self {
        Self {
            units: Units::new(Wire::NONE, turnaround, gauges, seed),
            received: BTreeMap::new(),
            sending: Vec::new(),
            outputs: VecDeque::new(),
            counters: LineCounters::default(),
        }
    }

    pub(super) fn set_faults(&mut self, target: FaultTarget, faults: Vec<Fault>) -> bool {
        self.units.set_faults(target, faults)
    }

    pub(super) fn faults(&self, target: FaultTarget) -> &[Fault] {
        self.units.faults(target)
    }

    pub(super) fn counters(&self) -> LineCounters {
        self.counters
    }

    pub(super) fn unit_counters(&self, unit: u8) -> Option<UnitCounters> {
        self.units.counters(unit)
    }

    /// Takes bytes that a client has sent.
    pub(super) fn handle_bytes(&mut self, now: Instant, peer: Peer, bytes: &[u8]) {
        self.handle_timeout(now);
        self.counters.bytes_heard += bytes.len() as u64;
        let mut received = self.received.remove(&peer).unwrap_or_default();
        received.extend_from_slice(bytes);
        while let Some((header, rest)) = received.split_first_chunk::<HEADER_BYTES>() {
            let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
            if header[2..4] != [0, 0] || !BODY_BYTES.contains(&length) {
                // Where the next packet begins cannot be known.
                self.counters.noise += 1;
                self.forget(peer);
                self.outputs.push_back(PacketOutput { to: peer, bytes: Vec::new(), completes: None, hangs_up: true });
                return;
            }
            let Some(body) = rest.get(..length) else { break };
            let (body, transaction) = (body.to_vec(), u16::from_be_bytes([header[0], header[1]]));
            received.drain(..HEADER_BYTES + length);
            self.ask(now, Exchange { peer, transaction }, body);
        }
        self.received.insert(peer, received);
    }

    /// Forgets a client that went away.
    pub(super) fn forget(&mut self, peer: Peer) {
        self.received.remove(&peer);
        self.sending.retain(|(exchange, ..)| exchange.peer != peer);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.poll_timeout().filter(|&due| due <= now) {
            self.send(due);
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<PacketOutput> {
        self.outputs.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.sending.iter().filter_map(|(_, _, reply)| reply.due()).min()
    }

    fn ask(&mut self, now: Instant, exchange: Exchange, body: Vec<u8>) {
        let request = match Request::parse(&seal(body)) {
            Ok(request) if request.is_broadcast() => {
                self.counters.broadcasts += 1;
                return;
            }
            Ok(request) => request,
            Err(_) => {
                self.counters.noise += 1;
                return;
            }
        };
        if self.sending.iter().filter(|(open, ..)| open.peer == exchange.peer).count() >= OPEN_REQUESTS {
            self.counters.unanswered += 1;
            return;
        }
        let Some(index) = self.units.find(request.unit) else {
            self.counters.foreign += 1;
            let refusal = modbus::exception(request.unit, request.function, ExceptionCode::GatewayTargetFailed);
            let thinks = self.units.turnaround().least;
            let reply = Reply { exchange: Some(exchange), ..Reply::steady(&refusal, thinks, Wire::NONE) };
            self.schedule(now + thinks, request.unit, reply);
            return;
        };
        for (start, reply) in self.units.answer(now, index, &request, exchange, &mut self.counters) {
            self.schedule(start, request.unit, reply);
        }
    }

    fn schedule(&mut self, start: Instant, unit: u8, reply: Reply) {
        let Some(exchange) = reply.exchange else { return };
        let hangs_up = reply.hangs_up;
        let packet = Reply { bytes: packet(exchange.transaction, &reply.bytes), ..reply };
        let mut transmission = Transmission::new(unit, packet, Wire::NONE, start);
        transmission.pace(Pace::Real);
        self.sending.push((exchange, hangs_up, transmission));
    }

    /// Gives out what one reply has for this moment.
    fn send(&mut self, due: Instant) {
        let Some(index) = self.sending.iter().position(|(_, _, reply)| reply.due() == Some(due)) else { return };
        let (Exchange { peer, .. }, hangs_up, reply) = &mut self.sending[index];
        let (to, hangs_up) = (*peer, *hangs_up);
        if hangs_up {
            self.forget(to);
            self.outputs.push_back(PacketOutput { to, bytes: Vec::new(), completes: None, hangs_up });
            return;
        }
        let mut bytes = Vec::new();
        while reply.due() == Some(due) {
            bytes.extend(reply.byte(0));
        }
        let mut completes = None;
        if reply.is_done() {
            completes = reply.shows.map(|values| (reply.unit, values));
            let unit = reply.unit;
            self.counters.replies += 1;
            self.units.note_reply(unit);
            self.sending.swap_remove(index);
        }
        self.counters.bytes_sent += bytes.len() as u64;
        self.outputs.push_back(PacketOutput { to, bytes, completes, hangs_up });
    }
}

/// Puts a frame behind a header, without its CRC; one that was cut short is announced as long as it should have been.
fn packet(transaction: u16, frame: &[(u8, std::time::Duration)]) -> Vec<(u8, std::time::Duration)> {
    /// Unit, function and byte count, then the three registers of a reading.
    const USUAL_BODY: usize = 9;
    const CRC_BYTES: usize = 2;
    let values: Vec<u8> = frame.iter().map(|(byte, _)| *byte).collect();
    let is_sound = values.len() > CRC_BYTES && crc16(&values) == 0;
    let (body, announced) = if is_sound {
        (values.len() - CRC_BYTES, values.len() - CRC_BYTES)
    } else {
        let announced = values.get(2).map_or(USUAL_BODY, |count| 3 + usize::from(*count));
        (values.len().min(announced - 1), announced)
    };
    let mut header = transaction.to_be_bytes().to_vec();
    header.extend([0, 0]);
    header.extend(u16::try_from(announced).unwrap_or(u16::MAX).to_be_bytes());
    let first = frame.first().map_or_else(Default::default, |(_, whole)| *whole);
    let mut packet: Vec<_> = header.into_iter().map(|byte| (byte, first)).collect();
    packet.extend(&frame[..body]);
    // A pause before the CRC is one before the last byte here.
    if let (Some(last), Some((_, whole))) = (packet.last_mut(), frame.last()) {
        last.1 = *whole;
    }
    packet
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
