//! Each message as JSON. A snapshot that changes is a change of the protocol: see the crate's
//! page for how to make one.

use insta::assert_json_snapshot;

use crate::{
    check_in, check_in_reply, enrol_reply, enrol_request, inventory, reports, small_replies,
};

#[test]
fn enrolment() {
    assert_json_snapshot!((enrol_request(), enrol_reply()), @r#"
    [
      {
        "protocol": 1,
        "agent_version": "0.1.0",
        "secret": "00112233445566778899aabbccddeeff",
        "signing_request": "-----BEGIN CERTIFICATE REQUEST-----\n",
        "host": {
          "hostname": "alpha",
          "os_family": "windows",
          "os_name": "Windows 11 Pro",
          "os_version": "10.0.22631",
          "architecture": "x86_64"
        }
      },
      {
        "device": 3,
        "certificate": "-----BEGIN CERTIFICATE-----\n",
        "ca": "-----BEGIN CERTIFICATE-----\n",
        "trust": {
          "level": 0,
          "release_keys": [
            "cmVsZWFzZQ=="
          ],
          "order_keys": [
            "b3JkZXI="
          ]
        }
      }
    ]
    "#);
}

#[test]
fn a_check_in() {
    assert_json_snapshot!(check_in(), @r#"
    {
      "protocol": 1,
      "agent_version": "0.1.0",
      "boot": {
        "id": "boot-1",
        "at": 1700000000000
      },
      "inventory_digest": "ab12",
      "scanned_at": 1700000001000,
      "scan_failure": {
        "at": 1700000002000,
        "cause": "the registry cannot be read"
      },
      "holds": [
        7
      ],
      "scans": [
        4
      ],
      "epoch": "00ff",
      "held": [
        {
          "job": 7,
          "counter": 5
        }
      ],
      "time_zone": "Europe/Berlin",
      "network": {
        "addresses": [
          "10.1.0.7",
          "2001:db8::7"
        ],
        "gateways": [
          "10.1.0.1"
        ]
      },
      "abilities": [
        "apt",
        "fly"
      ],
      "site": 2,
      "master": {
        "generation": 3,
        "port": 8444,
        "apt_port": 8445,
        "used": 1000,
        "cap": 2000,
        "free": 3000
      }
    }
    "#);
}

#[test]
fn the_reply_to_a_check_in() {
    assert_json_snapshot!(check_in_reply(), @r#"
    {
      "protocol": 3,
      "now": 1700000000000,
      "checkin_seconds": 180,
      "want_inventory": true,
      "scans": [
        4
      ],
      "orders": [
        {
          "job": 7,
          "order": {
            "payloadType": "application/vnd.fleetmend.order+json",
            "payload": "e30=",
            "signatures": [
              {
                "keyid": "0123456789abcdef",
                "sig": "c2ln"
              }
            ]
          },
          "release": {
            "payloadType": "application/vnd.fleetmend.release+json",
            "payload": "e30=",
            "signatures": [
              {
                "keyid": "0123456789abcdef",
                "sig": "c2ln"
              }
            ]
          }
        }
      ],
      "cancelled": [
        6
      ],
      "resumed": [
        {
          "job": 7,
          "status": 8,
          "attempt": 1
        }
      ],
      "site": {
        "generation": 2,
        "master": {
          "device": 9,
          "addresses": [
            "10.1.0.9"
          ],
          "port": 8444,
          "apt_port": 8445,
          "name": "m9.masters.fleetmend.invalid"
        },
        "spread_seconds": 40
      },
      "serve": {
        "generation": 3,
        "members": [
          "c0ffee"
        ],
        "cap": 2000,
        "throttle": [
          {
            "from_minute": 480,
            "to_minute": 1080,
            "bytes_s": 1000000
          }
        ],
        "apt": true
      },
      "prefetch": [
        {
          "sha256": "ab12",
          "length": 1
        }
      ],
      "rules": {
        "payloadType": "application/vnd.fleetmend.rules+json",
        "payload": "e30=",
        "signatures": [
          {
            "keyid": "0123456789abcdef",
            "sig": "c2ln"
          }
        ]
      }
    }
    "#);
}

#[test]
fn the_inventory() {
    assert_json_snapshot!(inventory(), @r#"
    {
      "host": {
        "hostname": "alpha",
        "os_family": "windows",
        "os_name": "Windows 11 Pro",
        "os_version": "10.0.22631",
        "architecture": "x86_64"
      },
      "software": [
        {
          "place": "machine64",
          "key": "{11111111-0000-0000-0000-000000000001}",
          "name": "Example",
          "version": "1.0",
          "publisher": "Example Ltd",
          "product_code": "{11111111-0000-0000-0000-000000000001}",
          "upgrade_code": null
        }
      ],
      "chocolatey": [
        {
          "id": "example",
          "version": "1.0.0",
          "pinned": true
        }
      ],
      "updates": {
        "provider": "apt",
        "unreachable": [
          {
            "source": "http://deb.example/debian",
            "cause": "no answer"
          }
        ],
        "updates": [
          {
            "package": "libc6",
            "architecture": "amd64",
            "installed": "2.36-8",
            "candidate": "2.36-9",
            "security": true,
            "origin": "Debian-Security:12/stable-security"
          }
        ],
        "withheld": [
          {
            "package": "curl",
            "installed": "7",
            "candidate": "8",
            "why": "held"
          }
        ]
      },
      "restart_pending": "a new kernel is installed",
      "cannot_deploy": "the agent does not run as root",
      "hives": [
        {
          "user": "S-1-5-21-1-2-3-1001",
          "software": [
            0
          ]
        }
      ],
      "unread": [
        {
          "part": "user",
          "user": "S-1-5-21-1-2-3-1002",
          "key": "",
          "cause": "user anna is not logged on"
        }
      ]
    }
    "#);
}

#[test]
fn reports_of_scans() {
    let mut reports = reports();
    reports.reports.truncate(3);
    assert_json_snapshot!(reports, @r#"
    {
      "epoch": "00ff",
      "reports": [
        {
          "sequence": 1,
          "at": 1700000000000,
          "what": {
            "scan_started": {
              "job": 4
            }
          }
        },
        {
          "sequence": 2,
          "at": 1700000000000,
          "what": {
            "scan_completed": {
              "job": 4,
              "digest": "ab12"
            }
          }
        },
        {
          "sequence": 3,
          "at": 1700000000000,
          "what": {
            "scan_failed": {
              "job": 4,
              "cause": "no package manager"
            }
          }
        }
      ]
    }
    "#);
}

#[test]
fn reports_of_deployments() {
    assert_json_snapshot!(reports().reports[3..7], @r#"
    [
      {
        "sequence": 4,
        "at": 1700000000000,
        "what": {
          "deploy": {
            "job": 7,
            "attempt": 1,
            "change": {
              "status": {
                "status": 8
              }
            },
            "cause": "",
            "output": "",
            "boot": null
          }
        }
      },
      {
        "sequence": 5,
        "at": 1700000000000,
        "what": {
          "deploy": {
            "job": 7,
            "attempt": 1,
            "change": {
              "status": {
                "status": 11
              }
            },
            "cause": "exit code 1603",
            "output": "fatal error",
            "boot": "boot-1"
          }
        }
      },
      {
        "sequence": 6,
        "at": 1700000000000,
        "what": {
          "deploy": {
            "job": 7,
            "attempt": 1,
            "change": {
              "end": {
                "ending": "refused"
              }
            },
            "cause": "it expired",
            "output": "",
            "boot": "boot-1"
          }
        }
      },
      {
        "sequence": 7,
        "at": 1700000000000,
        "what": {
          "progress": {
            "job": 7,
            "cause": "waits for the dpkg lock"
          }
        }
      }
    ]
    "#);
}

#[test]
fn reports_of_the_kinds_of_protocol_3() {
    assert_json_snapshot!(reports().reports[7..], @r#"
    [
      {
        "sequence": 8,
        "at": 1700000000000,
        "what": {
          "after_restart": {
            "job": 7,
            "boot": "boot-2",
            "found": {
              "installed": {
                "version": "2.0"
              }
            }
          }
        }
      },
      {
        "sequence": 9,
        "at": 1700000000000,
        "what": {
          "after_restart": {
            "job": 8,
            "boot": "boot-2",
            "found": "absent"
          }
        }
      },
      {
        "sequence": 10,
        "at": 1700000000000,
        "what": {
          "restart": {
            "state": "snoozed",
            "boot": "boot-2",
            "cause": "anna puts it off",
            "snoozes": 1,
            "at": 1700000060000
          }
        }
      },
      {
        "sequence": 11,
        "at": 1700000000000,
        "what": {
          "site_file": {
            "sha256": "ab12",
            "state": "failed",
            "cause": "no room"
          }
        }
      },
      {
        "sequence": 12,
        "at": 1700000000000,
        "what": {
          "fetched": {
            "job": 7,
            "from": "master",
            "bytes": 17,
            "bad_chunks": 1
          }
        }
      }
    ]
    "#);
}

#[test]
fn small_replies_and_errors() {
    assert_json_snapshot!(small_replies(), @r#"
    [
      {
        "wake": true
      },
      {
        "digest": "ab12"
      },
      {
        "acknowledged": 7
      },
      {
        "error": {
          "code": "token_used",
          "message": "the token was used"
        }
      }
    ]
    "#);
}
