//! The flake of a small fleet: one host, three inputs, two tests.

use serde_json::json;

/// What `flake.lock` pins.
#[derive(Debug, Clone, Copy)]
pub struct Pins {
    /// The commit of nixpkgs.
    pub nixpkgs: &'static str,
    /// The Unix time of that commit.
    pub nixpkgs_seconds: i64,
}

/// What is pinned at first …
pub const FIRST: Pins = Pins { nixpkgs: "e2587caee2587caee2587caee2587caee2587cae", nixpkgs_seconds: 1_773_403_200 };

/// … and what the weekly update brings.
pub const UPDATED: Pins = Pins { nixpkgs: "7105ae3957700a9646cc4b766f5815b23ed0c682", nixpkgs_seconds: 1_774_008_000 };

/// The commit of nixfleet that both pin.
pub const NIXFLEET: &str = "d00dfeedd00dfeedd00dfeedd00dfeedd00dfeed";

/// `flake.nix`.
pub const FLAKE: &str = r#"{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    home-manager = {
      url = "github:nix-community/home-manager";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    nixfleet.url = "github:nixfleet/nixfleet";
  };

  outputs = inputs: {
    nixosConfigurations.web1 = inputs.nixpkgs.lib.nixosSystem {
      specialArgs = { inherit inputs; };
      modules = [ ./hosts/web1/configuration.nix ];
    };
  };
}
"#;

/// The tests of the host web1: their names and their text.
pub const TESTS: [(&str, &str); 2] = [
    ("10-ssh", "#!/bin/sh\nexec systemctl is-active --quiet sshd.service\n"),
    ("20-web", "#!/bin/sh\nexec curl --silent --fail --output /dev/null https://localhost/\n"),
];

/// `flake.lock`, as Nix writes it.
pub fn lock(pins: Pins) -> String {
    let github = |owner: &str, repository: &str, revision: &str, seconds: i64, follows: bool, branch: Option<&str>| {
        let mut node = json!({
            "locked": {
                "lastModified": seconds,
                "narHash": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                "owner": owner,
                "repo": repository,
                "rev": revision,
                "type": "github",
            },
            "original": { "owner": owner, "repo": repository, "type": "github" },
        });
        if follows {
            node["inputs"] = json!({ "nixpkgs": ["nixpkgs"] });
        }
        if let Some(branch) = branch {
            node["original"]["ref"] = json!(branch);
        }
        node
    };
    let home_manager = "b8c19a3c4e1b8c19a3c4e1b8c19a3c4e1b8c19a3";
    let text = serde_json::to_string_pretty(&json!({
        "nodes": {
            "home-manager": github("nix-community", "home-manager", home_manager, 1_773_316_800, true, None),
            "nixfleet": github("nixfleet", "nixfleet", NIXFLEET, 1_773_230_400, false, None),
            "nixpkgs": github("NixOS", "nixpkgs", pins.nixpkgs, pins.nixpkgs_seconds, false, Some("nixos-unstable")),
            "root": { "inputs": { "home-manager": "home-manager", "nixfleet": "nixfleet", "nixpkgs": "nixpkgs" } },
        },
        "root": "root",
        "version": 7,
    }));
    text.unwrap() + "\n"
}
