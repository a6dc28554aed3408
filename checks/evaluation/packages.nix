# Stand-ins for packages, so that the NixOS modules can be evaluated where there is no nixpkgs: names with paths that lead
# nowhere, and the few functions that write files, which are real derivations (they can be built with a plain shell).
{ lib, system }:
let
  stub =
    name:
    let
      package = {
        type = "derivation";
        inherit name;
        pname = name;
        # Some modules look at a version: any new one.
        version = "100.0";
        outputs = [ "out" ];
        outputName = "out";
        outPath = "/stub/${name}";
        drvPath = "/stub/${name}.drv";
        meta.mainProgram = name;
        passthru = { };
        override = _: package;
        overrideAttrs = _: package;
        withPackages = _: package;
        callPackage = _: _: package;
      }
      // lib.genAttrs [
        "out"
        "bin"
        "dev"
        "lib"
        "man"
        "doc"
        "info"
        "terminfo"
        "server"
        "cli"
        "su"
        "debug"
        "libcap"
      ] (_: package);
    in
    package;

  runCommand =
    name: environment: script:
    derivation (
      {
        inherit name system;
        builder = "/bin/bash";
        args = [
          "-e"
          "-c"
          # With a last command that is no program: the shell would become it, and Nix ends a builder whose output is
          # closed, which some programs do before they end.
          "shopt -s nullglob\nexport PATH=/usr/local/bin:/usr/bin:/bin\n${script}\ntrue"
        ];
      }
      // lib.filterAttrs (_: value: !lib.isFunction value) (
        removeAttrs environment [
          "meta"
          "passthru"
          "nativeBuildInputs"
          "buildInputs"
        ]
      )
    );

  writeText =
    name: text:
    runCommand name {
      inherit text;
      passAsFile = [ "text" ];
    } ''mkdir -p "$(dirname "$out")"; cp "$textPath" "$out"'';

  # JSON and YAML take the same values, and JSON is YAML.
  format = {
    type =
      with lib.types;
      let
        value =
          nullOr (oneOf [
            bool
            int
            float
            str
            path
            (attrsOf value)
            (listOf value)
          ])
          // {
            description = "JSON value";
          };
      in
      value;
    generate = name: value: writeText name (builtins.toJSON value);
    lib = { };
  };

  packages =
    lib.genAttrs (lib.filter (name: name != "" && !lib.hasPrefix "#" name) (
      lib.splitString "\n" (builtins.readFile ./packages.txt)
    )) stub
    // {
      _type = "pkgs";
      inherit
        lib
        system
        runCommand
        writeText
        ;
      config = { };
      overlays = [ ];
      appendOverlays = _: packages;
      __splicedPackages = packages;
      extend = _: packages;
      callPackage = _: _: stub "called";
      # What Nix would build, with its own attributes to look at.
      rustPlatform.buildRustPackage = attributes: stub attributes.pname // { inherit attributes; };
      mkShell = attributes: stub "shell" // { inherit attributes; };
      testers.runNixOSTest = test: stub "vm-test" // { inherit test; };
      runCommandLocal = runCommand;
      linuxPackages = stub "linuxPackages" // {
        kernel = stub "linux" // {
          version = "6.12";
          kernelAtLeast = _: true;
          kernelOlder = _: false;
          features = { };
          config = { };
          stdenv = packages.stdenv;
        };
        extend = _: packages.linuxPackages;
      };
      writeShellScriptBin = name: _: stub name;
      writeShellScript = name: _: stub name;
      writeScript = name: _: stub name;
      writeScriptBin = name: _: stub name;
      writeTextDir =
        path: text:
        packages.writeTextFile {
          name = baseNameOf path;
          inherit text;
          destination = "/${path}";
        };
      writeTextFile =
        {
          name,
          text,
          destination ? "",
          ...
        }:
        runCommand name {
          inherit text destination;
          passAsFile = [ "text" ];
        } ''mkdir -p "$(dirname "$out$destination")"; cp "$textPath" "$out$destination"'';
      runtimeShell = "/bin/bash";
      formats = {
        json = _: format;
        yaml = _: format;
        toml = _: format;
        ini = _: format;
        keyValue = _: format;
        systemd = format;
        elixirConf = _: format;
        pythonVars = _: format;
        hocon = _: format;
        xml = _: format;
        iniWithGlobalSection = _: format;
        gitIni = _: format;
        libconfig = _: format;
      };
      stdenv = lib.systems.elaborate system // {
        hostPlatform = lib.systems.elaborate system;
        buildPlatform = lib.systems.elaborate system;
        targetPlatform = lib.systems.elaborate system;
        shell = "/bin/bash";
        cc = stub "gcc";
      };
      hostPlatform = packages.stdenv.hostPlatform;
      buildPackages = packages;
      xorg.lndir =
        runCommand "lndir" { }
          ''mkdir -p $out/bin; printf '#!/bin/bash\ncp --recursive --no-dereference "$1/." "$2/"\n' >$out/bin/lndir; chmod +x $out/bin/lndir'';
    };
in
packages
