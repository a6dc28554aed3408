# Evaluates hosts with services.nixfleet in the real modules of NixOS, with stand-ins for the packages.
#
#   nix-build checks/evaluation --arg nixpkgs /path/to/nixpkgs -A hosts.NAME     what a host gets, as files
#   nix-instantiate --eval --strict --json checks/evaluation --arg nixpkgs … -A refusals    what is refused, and why
#
# Of nixpkgs only lib/ and nixos/ are read. checks/evaluate says how to get them.
{
  nixpkgs,
  system ? builtins.currentSystem,
}:
let
  lib = import (nixpkgs + "/lib");
  pkgs = import ./packages.nix { inherit lib system; };
  evaluate = evaluateWith { };
  evaluateWith =
    specialArgs: modules:
    import (nixpkgs + "/nixos/lib/eval-config.nix") {
      inherit lib pkgs specialArgs;
      system = null;
      modules = [
        ../../modules
        {
          nixpkgs.hostPlatform = system;
          system.stateVersion = lib.trivial.release;
          documentation.enable = false;
          # Without kernel, boot loader and disks, of which nixfleet asks nothing.
          boot.isContainer = true;
          environment.stub-ld.enable = false;
        }
      ]
      ++ modules;
    };
  hostFiles = lib.filterAttrs (_: kind: kind == "regular") (builtins.readDir ./hosts);
  hosts = lib.mapAttrs' (
    file: _: lib.nameValuePair (lib.removeSuffix ".nix" file) (evaluate [ (./hosts + "/${file}") ])
  ) hostFiles;
  result = import ./result.nix { inherit lib nixpkgs pkgs; };

  # The flake, as Nix calls it.
  flake = flakeOf { rev = "0123456789abcdef0123456789abcdef01234567"; };
  flakeOf =
    source:
    let
      outputs = (import ../../flake.nix).outputs {
        self = outputs // source // { outPath = toString ../..; };
        nixpkgs = flakeNixpkgs;
      };
    in
    outputs;
  flakeNixpkgs = {
    lib = lib // {
      nixosSystem = { modules }: evaluate modules;
    };
    outPath = toString nixpkgs;
    legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
      system: import ./packages.nix { inherit lib system; }
    );
  };
  vmTest =
    file:
    let
      test = (import (nixpkgs + "/nixos/lib") { inherit lib; }).evalTest {
        imports = [
          (import file {
            nixpkgs.outPath = toString nixpkgs;
            self = flake // {
              outPath = toString ../..;
            };
          })
        ];
        hostPkgs = pkgs;
        node.pkgs = pkgs;
      };
      repository = test.config.passthru.files or null;
      host = (fromRepository repository).nixosConfigurations.web1;
    in
    {
      script = test.config.testScriptString;
      units = lib.mapAttrs (
        _: node: lib.filter (lib.hasPrefix "nixfleet-") (lib.attrNames node.systemd.units)
      ) test.config.nodes;
    }
    // lib.optionalAttrs (repository != null) {
      booted = ofSwitch test.config.nodes.web1;
      deployed = ofSwitch host.config;
      # What the script calls after the switch.
      programs = {
        git = host.config.programs.git.enable;
        others = map (package: package.name) (
          lib.concatMap (definition: definition.value) (
            lib.filter (
              definition: lib.hasPrefix "${repository}" (toString definition.file)
            ) host.options.environment.systemPackages.definitionsWithLocations
          )
        );
      };
    };
  # What the flake in a VM says, whose sources have no commit.
  fromRepository =
    repository:
    (import "${repository}/flake.nix").outputs {
      self = {
        _type = "flake";
        rev = "fedcba9876543210fedcba9876543210fedcba98";
      };
      nixfleet = flakeOf { };
      nixpkgs = {
        lib = lib // {
          nixosSystem =
            { modules, specialArgs }:
            import (nixpkgs + "/nixos/lib/eval-config.nix") {
              inherit
                lib
                modules
                pkgs
                specialArgs
                ;
              system = null;
            };
        };
        outPath = toString nixpkgs;
        __toString = _: toString nixpkgs;
      };
    };
  # What has to stay the same over a switch in a VM without a network and a boot loader.
  ofSwitch = config: {
    address = config.networking.primaryIPAddress;
    boot_loader = config.boot.loader.grub.enable;
    caches = config.nix.settings.substituters;
    features = config.nix.settings.experimental-features;
    file_systems = lib.mapAttrs (_: it: { inherit (it) device fsType; }) config.fileSystems;
    # Another one is compiled in the VM.
    compiled = map (package: { inherit (package.attributes) pname env; }) [
      config.services.nixfleet.package
      config.services.nixfleet.exporter.package
    ];
  };
in
{
  inherit
    lib
    pkgs
    evaluate
    flake
    ;
  flakeOutputs =
    let
      # The check of the module evaluates all refusals once more, for each system.
      name = name: package: if name == "module" then name else package.name or package.program;
    in
    lib.mapAttrs (_: lib.mapAttrs (_: lib.mapAttrs name)) {
      inherit (flake)
        packages
        apps
        checks
        devShells
        ;
    }
    // {
      formatter = lib.mapAttrs (_: package: package.name) flake.formatter;
    };
  # A host whose parts each import what they need.
  importedTwice =
    (evaluate [
      flake.nixosModules.default
      flake.nixosModules.default
      flake.nixosModules.nixfleet
      flake.nixosModules.monitoring
      { services.nixfleet.enable = true; }
    ]).config.services.nixfleet.package.name;
  revisions =
    let
      commit = "0123456789abcdef0123456789abcdef01234567";
      self = {
        _type = "flake";
        rev = commit;
      };
      revision =
        specialArgs: module:
        (evaluateWith specialArgs [
          { services.nixfleet.enable = true; }
          module
        ]).config.system.configurationRevision;
    in
    {
      self = revision { inherit self; } { };
      inputs = revision { inputs = { inherit self; }; } { };
      option = revision { } { services.nixfleet.flake = self; };
      dirty = revision { } {
        services.nixfleet.flake = {
          _type = "flake";
          dirtyRev = "${commit}-dirty";
        };
      };
      own = revision { inherit self; } { system.configurationRevision = "mine"; };
      none = revision { } { };
      not-a-flake = revision { self = "something else"; } { };
    };
  vmTests = lib.genAttrs [ "weekly-update" "fleet" "agent-replacement" ] (
    name: vmTest (../vm + "/${name}.nix")
  );
  evaluated = hosts;
  hosts = lib.mapAttrs (_: result) hosts;
  refusals = import ./refusals.nix { inherit lib evaluate; };
  options = import ../options-document.nix {
    inherit lib;
    inherit (evaluate [ ]) options;
  };
}
