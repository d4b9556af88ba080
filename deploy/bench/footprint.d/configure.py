"""Writes the configurations of tankline-edge and of its peers for one station."""

import argparse
import json
import shutil
import sys
import tomllib
from pathlib import Path

LEVEL_ADDRESS = 49
"""Level, interface and temperature are registers 50 to 52, which on the wire are addresses 49 to 51."""

QUANTITIES = (("level_mm", 1), ("interface_mm", 1), ("temperature_c", 10))
"""What the registers hold, in order, and what to divide them by."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    for port in ("tls", "plain", "web", "http"):
        parser.add_argument(f"--{port}-port", type=int, required=True)
    args = parser.parse_args()
    site = tomllib.loads(args.site.read_text())
    lines = {line["name"]: [] for line in site["line"]}
    for gauge in site["gauge"]:
        lines[gauge["line"]].append(gauge)
    tankline(args, lines)
    modbus4mqtt(args, lines)
    thingsboard(args, lines)
    node_red(args, lines)
    print(f"footprint: {sum(map(len, lines.values()))} gauges on {len(lines)} lines", file=sys.stderr)


def tankline(args, lines):
    """One edge that owns all lines, and the centre that commits what it sends."""
    text = args.site.read_text()
    owners = {line["edge"] for line in tomllib.loads(text)["line"]}
    for owner in owners:
        text = text.replace(f'edge = "{owner}"', 'edge = "rtu-01"')
    (args.run / "site.toml").write_text(text)
    if (tables := args.site.parent / "tables").is_dir():
        shutil.copytree(tables, args.run / "tables")
    edge = f"""edge = "rtu-01"
site = "site.toml"
[broker]
url = "mqtts://localhost:{args.tls_port}"
ca_file = "ca.pem"
[journal]
dir = "journal"
"""
    for line in lines:
        edge += f'[line.{line}]\nport = "{args.run}/lines/{line}"\n'
    (args.run / "edge.toml").write_text(edge)
    (args.run / "ingest.toml").write_text(f"""sites = ["site.toml"]
database = "ops.db"
[broker]
url = "mqtt://127.0.0.1:{args.plain_port}"
[http]
listen = "127.0.0.1:{args.http_port}"
""")


def modbus4mqtt(args, lines):
    """A configuration a gauge. One read takes the registers 49 to 55: its reads begin at multiples of their length."""
    folder = args.run / "modbus4mqtt"
    folder.mkdir()
    known = []
    for line, gauges in lines.items():
        for gauge in gauges:
            tank, unit = gauge["tank"], gauge["unit"]
            # It sleeps 0.9 s after a poll of about 0.1 s.
            text = f"ip: 127.0.0.1\nport: 0\ndevice_address: {unit}\nupdate_rate: 0.9\nscan_batching: 7\nregisters:\n"
            for place, (key, divisor) in enumerate(QUANTITIES):
                text += (
                    f"  - {{pub_topic: reading, json_key: {key}, address: {LEVEL_ADDRESS + place}, type: int16, "
                    f"scale: {1 / divisor}, pub_only_on_change: false}}\n"
                )
            path = folder / f"{tank}.yaml"
            path.write_text(text)
            known.append(f"{line} {tank} {path}\n")
    (args.run / "modbus4mqtt.list").write_text("".join(known))


def thingsboard(args, lines):
    """A Modbus connector a line; all else as it is delivered."""
    folder = args.run / "thingsboard" / "config"
    folder.mkdir(parents=True)
    delivered = next(args.peers.glob("thingsboard-gateway/lib/*/site-packages/thingsboard_gateway/config"), None)
    if delivered is None:
        return
    for name in ("logs.json", "statistics.json", "list.json"):
        shutil.copy(delivered / name, folder)
    shutil.copytree(delivered / "statistics", folder / "statistics")
    gateway = json.loads((delivered / "tb_gateway.json").read_text())
    gateway["thingsboard"] |= {
        "host": "localhost",
        "port": args.tls_port,
        "remoteConfiguration": False,
        "security": {"type": "tlsAccessToken", "accessToken": "footprint", "caCert": f"{args.run}/ca.pem"},
    }
    gateway["storage"] |= {"type": "file", "data_folder_path": f"{args.run}/thingsboard/data/"}
    gateway["connectors"] = [{"type": "modbus", "name": line, "configuration": f"{line}.json"} for line in lines]
    (folder / "tb_gateway.json").write_text(json.dumps(gateway, indent=2))
    for line, gauges in lines.items():
        slaves = [thingsboard_slave(args, line, gauge) for gauge in gauges]
        connector = {"name": line, "logLevel": "INFO", "master": {"slaves": slaves}}
        (folder / f"{line}.json").write_text(json.dumps(connector, indent=2))


def thingsboard_slave(args, line, gauge):
    return {
        "type": "serial",
        "method": "rtu",
        "port": f"{args.run}/lines/{line}",
        "baudrate": 9600,
        "timeout": 1,
        "stopbits": 1,
        "bytesize": 8,
        "parity": "N",
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "retries": 1,
        "pollPeriod": 1000,
        "unitId": gauge["unit"],
        "deviceName": gauge["tank"],
        "deviceType": "gauge",
        "connectAttemptTimeMs": 5000,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 10000,
        "attributes": [],
        # A range is read at once; each register becomes a value of its own.
        "timeseries": [
            {
                "tag": "register_${address}",
                "type": "16int",
                "functionCode": 3,
                "address": f"{LEVEL_ADDRESS}-{LEVEL_ADDRESS + len(QUANTITIES) - 1}",
                "objectsCount": 1,
            }
        ],
        "attributeUpdates": [],
        "rpc": [],
    }


READING = """\
const [level, interfaceLevel, temperature] = msg.payload;
const temperature_c = (temperature << 16 >> 16) / 10;
const body = { at: Date.now(), level_mm: level, interface_mm: interfaceLevel, temperature_c };
return { topic: msg.topic, payload: JSON.stringify(body) };
"""


def node_red(args, lines):
    """A client a line, a read node a gauge, and for all of them a function and one MQTT node."""
    folder = args.run / "node-red"
    folder.mkdir()
    flow = [
        {"id": "tab", "type": "tab", "label": "gauges"},
        {
            "id": "tls",
            "type": "tls-config",
            "ca": f"{args.run}/ca.pem",
            "cert": "",
            "key": "",
            "certname": "",
            "keyname": "",
            "caname": "",
            "verifyservercert": True,
            "servername": "localhost",
            "alpnprotocol": "",
        },
        {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": "localhost",
            "port": str(args.tls_port),
            "tls": "tls",
            "clientid": "node-red",
            "autoConnect": True,
            "usetls": True,
            "protocolVersion": "4",
            "keepalive": "60",
            "cleansession": True,
            "autoUnsubscribe": True,
        },
        {
            "id": "out",
            "type": "mqtt out",
            "z": "tab",
            "topic": "",
            "qos": "1",
            "retain": "false",
            "broker": "broker",
            "wires": [],
        },
        {
            "id": "reading",
            "type": "function",
            "z": "tab",
            "func": READING,
            "outputs": 1,
            "timeout": 0,
            "noerr": 0,
            "initialize": "",
            "finalize": "",
            "libs": [],
            "wires": [["out"]],
        },
    ]
    for line, gauges in lines.items():
        flow.append(
            {
                "id": f"client-{line}",
                "type": "modbus-client",
                "name": line,
                "clienttype": "serial",
                "bufferCommands": True,
                "stateLogEnabled": False,
                "queueLogEnabled": False,
                "failureLogEnabled": True,
                "tcpHost": "127.0.0.1",
                "tcpPort": 502,
                "tcpType": "DEFAULT",
                "serialPort": f"{args.run}/lines/{line}",
                "serialType": "RTU-BUFFERD",
                "serialBaudrate": 9600,
                "serialDatabits": 8,
                "serialStopbits": 1,
                "serialParity": "none",
                "serialConnectionDelay": 100,
                "serialAsciiResponseStartDelimiter": "0x3A",
                "unit_id": 1,
                "commandDelay": 1,
                "clientTimeout": 1000,
                "reconnectOnTimeout": True,
                "reconnectTimeout": 2000,
                "parallelUnitIdsAllowed": False,
                "showErrors": True,
                "showWarnings": True,
                "showLogs": True,
            }
        )
        for gauge in gauges:
            flow.append(
                {
                    "id": f"{line}-{gauge['unit']}",
                    "type": "modbus-read",
                    "z": "tab",
                    "name": gauge["tank"],
                    "topic": f"node-red/{gauge['tank']}",
                    "showStatusActivities": False,
                    "logIOActivities": False,
                    "showErrors": True,
                    "showWarnings": True,
                    "unitid": gauge["unit"],
                    "dataType": "HoldingRegister",
                    "adr": LEVEL_ADDRESS,
                    "quantity": len(QUANTITIES),
                    "rate": 1,
                    "rateUnit": "s",
                    "delayOnStart": False,
                    "startDelayTime": "",
                    "server": f"client-{line}",
                    "useIOFile": False,
                    "ioFile": "",
                    "useIOForPayload": False,
                    "emptyMsgOnFail": False,
                    "wires": [["reading"], []],
                }
            )
    (folder / "flows.json").write_text(json.dumps(flow, indent=1))
    (folder / "settings.js").write_text(
        f'module.exports = {{ uiHost: "127.0.0.1", uiPort: {args.web_port}, '
        "telemetry: { enabled: false, updateNotification: false }, "
        'logging: { console: { level: "info", metrics: false, audit: false } } };\n'
    )


if __name__ == "__main__":
    main()
