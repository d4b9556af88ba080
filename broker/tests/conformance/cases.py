"""Cases of MQTT 3.1.1 that any two clients can tell of a broker.

Usage: cases.py HOST PORT. Prints a line for each case, `name yes` or `name no: why`. The cases follow the names of those that
the Eclipse Paho project tests brokers by.
"""

import queue
import socket
import struct
import sys
import threading
import traceback

import paho.mqtt.client as mqtt

HOST, PORT = sys.argv[1], int(sys.argv[2])
LONG_S = 30
QUIET_S = 0.4


class Peer:
    """A client whose loop runs in a thread of its own."""

    def __init__(self, name, clean=True, will=None, manual_ack=False, keepalive=60):
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, name, clean_session=clean, protocol=mqtt.MQTTv311, manual_ack=manual_ack
        )
        self.received, self.granted, self.ended = queue.Queue(), queue.Queue(), threading.Event()
        self.connected = queue.Queue()
        self.takes_retained = True
        self.client.on_message = lambda client, user, message: self.take(message)
        self.client.on_subscribe = lambda client, user, mid, codes, properties: self.granted.put([c.value for c in codes])
        self.client.on_unsubscribe = lambda client, user, mid, codes, properties: self.granted.put([])
        self.client.on_connect = lambda client, user, flags, code, properties: self.connected.put((flags, code))
        self.client.on_disconnect = lambda client, user, flags, code, properties: self.ended.set()
        if will:
            self.client.will_set(*will)
        self.client.connect(HOST, PORT, keepalive)
        self.client.loop_start()
        self.flags, self.code = self.connected.get(timeout=LONG_S)
        assert self.code.value == 0, f"refused with {self.code}"

    def take(self, message):
        if self.takes_retained or not message.retain:
            self.received.put(message)

    def subscribe(self, *filters):
        self.client.subscribe(list(filters))
        return self.granted.get(timeout=LONG_S)

    def unsubscribe(self, *filters):
        self.client.unsubscribe(list(filters))
        return self.granted.get(timeout=LONG_S)

    def publish(self, topic, payload, qos=1, retain=False):
        self.client.publish(topic, payload, qos, retain).wait_for_publish(LONG_S)

    def next(self):
        return self.received.get(timeout=LONG_S)

    def hears_nothing(self):
        try:
            message = self.received.get(timeout=QUIET_S)
            return False if message else True
        except queue.Empty:
            return True

    def all(self, count):
        return [self.next() for _ in range(count)]

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def cut(self):
        """Ends the connection without a word."""
        self.client.loop_stop()
        self.client._sock_close()


def text(value):
    value = value.encode()
    return struct.pack(">H", len(value)) + value


def packet(first, body):
    length, digits = len(body), b""
    while True:
        digit, length = length % 128, length // 128
        digits += bytes([digit | (0x80 if length else 0)])
        if not length:
            return bytes([first]) + digits + body


def raw(name, keepalive=60, clean=True, will=None):
    flags = (2 if clean else 0) | (4 if will else 0)
    body = text("MQTT") + bytes([4, flags]) + struct.pack(">H", keepalive) + text(name)
    if will:
        body += text(will[0]) + text(will[1])
    stream = socket.create_connection((HOST, PORT), timeout=LONG_S)
    stream.sendall(packet(0x10, body))
    return stream, stream.recv(4)


def is_cut_off(stream):
    try:
        while True:
            if not stream.recv(4096):
                return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def basic():
    peer = Peer("basic")
    assert peer.subscribe(("basic/#", 2)) == [2]
    for qos in (0, 1, 2):
        peer.publish("basic/x", f"qos {qos}", qos)
    assert sorted(m.payload for m in peer.all(3)) == [b"qos 0", b"qos 1", b"qos 2"]
    peer.leave()


def order():
    giver, taker = Peer("order-giver"), Peer("order-taker")
    taker.subscribe(("order", 1))
    for number in range(500):
        giver.client.publish("order", str(number), 1)
    assert [int(m.payload) for m in taker.all(500)] == list(range(500))


def quality_of_the_subscription_bounds():
    peer = Peer("bound")
    peer.subscribe(("bound", 0))
    peer.publish("bound", "x", 2)
    assert peer.next().qos == 0


def quality_of_the_message_bounds():
    peer = Peer("downgrade")
    peer.subscribe(("downgrade", 2))
    for qos in (0, 1):
        peer.publish("downgrade", "x", qos)
    assert [m.qos for m in peer.all(2)] == [0, 1]


def retained():
    giver = Peer("retained-giver")
    for qos in (0, 1, 2):
        giver.publish(f"retained/{qos}", "kept", qos, True)
    giver.leave()
    taker = Peer("retained-taker")
    taker.subscribe(("retained/+", 2))
    messages = taker.all(3)
    assert all(m.retain for m in messages) and {m.topic for m in messages} == {f"retained/{q}" for q in range(3)}
    taker.publish("retained/0", "live", 1, True)
    assert not taker.next().retain, "a live message is marked as retained"


def retained_is_taken_away():
    peer = Peer("away")
    peer.publish("away/a", "kept", 1, True)
    peer.publish("away/b", "kept", 1, True)
    peer.publish("away/a", "", 1, True)
    peer.publish("away/b", "", 1, False)
    peer.subscribe(("away/+", 1))
    assert peer.next().topic == "away/b"
    assert peer.hears_nothing()


def retained_comes_with_each_subscribe():
    peer = Peer("each")
    peer.publish("each", "kept", 1, True)
    peer.subscribe(("each", 1))
    peer.next()
    peer.subscribe(("each", 1))
    assert not peer.hears_nothing()


def retained_in_any_number():
    peer = Peer("number")
    for number in range(300):
        peer.publish(f"number/{number}", "kept", 0, True)
    peer.publish("number/last", "kept", 1, True)
    taker = Peer("number-taker")
    taker.subscribe(("number/#", 1))
    seen = set()
    try:
        while len(seen) < 301:
            seen.add(taker.received.get(timeout=3).topic)
    except queue.Empty:
        pass
    assert len(seen) == 301, f"{len(seen)} of 301 came"


def offline_queueing():
    taker = Peer("offline", clean=False)
    taker.subscribe(("offline", 1))
    taker.leave()
    giver = Peer("offline-giver")
    giver.publish("offline", "meanwhile")
    taker = Peer("offline", clean=False)
    assert taker.flags.session_present, "the session is gone"
    assert taker.next().payload == b"meanwhile"


def redelivery_on_reconnect():
    taker = Peer("again", clean=False, manual_ack=True)
    taker.subscribe(("again", 1))
    Peer("again-giver").publish("again", "unacknowledged")
    taker.next()
    taker.cut()
    taker = Peer("again", clean=False)
    assert taker.flags.session_present, "the session is gone"
    assert taker.next().payload == b"unacknowledged"


def clean_session():
    peer = Peer("clean", clean=True)
    peer.subscribe(("clean", 1))
    peer.leave()
    peer = Peer("clean", clean=True)
    assert not peer.flags.session_present
    Peer("clean-giver").publish("clean", "x")
    assert peer.hears_nothing()


def will():
    taker = Peer("will-taker")
    taker.subscribe(("will", 2))
    for qos in (0, 1, 2):
        Peer("will", will=("will", f"gone {qos}", qos, False)).cut()
        assert taker.next().payload == f"gone {qos}".encode()


def will_is_retained():
    Peer("will-retained", will=("will/retained", "gone", 1, True)).cut()
    taker = Peer("will-retained-taker")
    taker.subscribe(("will/retained", 1))
    assert taker.next().payload == b"gone"


def no_will_after_disconnect():
    taker = Peer("no-will-taker")
    taker.subscribe(("no-will", 1))
    Peer("no-will", will=("no-will", "gone", 1, False)).leave()
    assert taker.hears_nothing()


def overlapping_subscriptions():
    peer = Peer("overlap")
    peer.subscribe(("overlap/#", 2), ("overlap/+", 1))
    peer.publish("overlap/x", "x", 2)
    # One copy with the highest quality, or one for each subscription. MQTT 3.1.1, 3.3.5.
    peer.next()
    try:
        peer.received.get(timeout=QUIET_S)
    except queue.Empty:
        pass
    assert peer.hears_nothing()


def keepalive():
    taker = Peer("keepalive-taker")
    taker.subscribe(("keepalive", 1))
    stream, answer = raw("keepalive", keepalive=1, will=("keepalive", "silent"))
    assert answer == b"\x20\x02\x00\x00"
    assert taker.next().payload == b"silent"
    assert is_cut_off(stream)


def zero_length_client_id():
    for clean, code in ((True, 0), (False, 2)):
        stream, answer = raw("", clean=clean)
        assert answer == bytes([0x20, 2, 0, code]), f"{answer} with clean session {clean}"
        stream.close()


def same_client_id():
    first = Peer("same")
    first.client.reconnect_delay_set(100, 200)
    second = Peer("same")
    assert first.ended.wait(LONG_S), "the first one stays"
    second.subscribe(("same", 1))
    second.publish("same", "x")
    second.next()


def subscribe_failure():
    peer = Peer("failure")
    assert peer.subscribe(("$SYS/#", 1), ("failure", 1)) == [0x80, 1]


def dollar_topics():
    peer = Peer("dollar")
    peer.takes_retained = False
    peer.subscribe(("+/dollar", 1), ("#", 0))
    peer.publish("$dollar/dollar", "x")
    assert peer.hears_nothing()


def unsubscribe():
    peer = Peer("unsubscribe")
    peer.subscribe(("un/a", 1), ("un/b", 1), ("un/c", 1))
    peer.unsubscribe("un/a", "un/b", "un/never")
    for topic in ("un/a", "un/b", "un/c"):
        peer.publish(topic, "x")
    assert peer.next().topic == "un/c"
    assert peer.hears_nothing()


def wildcards():
    peer = Peer("wildcards")
    peer.takes_retained = False
    for number, (pattern, topic, fits) in enumerate((
        ("w/#", "w", True), ("w/#", "w/a/b", True), ("w/+", "w/a", True), ("w/+", "w/", True), ("w/+", "w", False),
        ("w/+", "w/a/b", False), ("w/+/b", "w/a/b", True), ("+/w", "/w", True), ("w/a", "w/A", False),
        ("+/+", "/w", True), ("/+", "/w", True), ("+", "/w", False), ("w//b", "w//b", True),
    )):
        peer.subscribe((pattern, 1))
        peer.publish(topic, str(number))
        if fits:
            assert peer.next().payload == str(number).encode()
        assert peer.hears_nothing(), f"{pattern} and {topic}"
        peer.unsubscribe(pattern)


def large_payload():
    peer = Peer("large")
    peer.subscribe(("large", 2))
    payload = bytes(range(256)) * 3000
    for qos in (0, 1, 2):
        peer.publish("large", payload, qos)
    assert all(m.payload == payload for m in peer.all(3))


def empty_payload():
    peer = Peer("empty")
    peer.subscribe(("empty", 1))
    peer.publish("empty", b"")
    assert peer.next().payload == b""


def unicode_topic():
    peer = Peer("unicode")
    peer.subscribe(("u/é/油", 1))
    peer.publish("u/é/油", "x")
    peer.next()


def topic_begins_with_any_character():
    peer = Peer("first")
    peer.client.reconnect_delay_set(100, 200)
    peer.client.subscribe([("油/a", 1)])
    assert peer.granted.get(timeout=3) == [1]


def long_topic():
    peer = Peer("long")
    peer.client.reconnect_delay_set(100, 200)
    peer.client.subscribe([("l" * 60_000, 1)])
    assert peer.granted.get(timeout=3) == [1]


def second_connect():
    stream, _ = raw("second")
    stream.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 0, 60]) + text("second")))
    assert is_cut_off(stream)


def other_protocol():
    stream = socket.create_connection((HOST, PORT), timeout=LONG_S)
    stream.sendall(packet(0x10, text("MQTT") + bytes([9, 2, 0, 60]) + text("other")))
    assert stream.recv(4) == b"\x20\x02\x00\x01"


def ping():
    stream, _ = raw("ping")
    stream.sendall(b"\xC0\x00")
    assert stream.recv(2) == b"\xD0\x00"


CASES = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", "") == "__main__"]
HELPERS = {"Peer", "text", "packet", "raw", "is_cut_off"}

for case in CASES:
    if case.__name__ in HELPERS:
        continue
    try:
        case()
        print(case.__name__, "yes", flush=True)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1].lineno
        print(case.__name__, f"no: {type(error).__name__} {error} (line {place})".replace("\n", " "), flush=True)
