{ release, nixpkgsRevision }:
# One system. Everything but the name may be left out.
{
  # The host's name.
  name,
  # The commit of the configuration, for nixos-version; null for an uncommitted one.
  revision ? null,
  # Text by unit name, such as units."hello.service" = "[Service]…". Each is wanted by multi-user.target, unless
  # it is a template or listed in manualUnits.
  units ? { },
  # Units that are installed but not wanted by anything.
  manualUnits ? [ ],
  # Text by path below /etc.
  etc ? { },
  # Text of executables by name, in sw/bin.
  programs ? { },
  # Store paths whose bin/* are linked into sw/bin.
  packages ? [ ],
  # Shell text, a snippet of the activation script: with a failing command the activation fails (exit code 2) and goes on.
  # It may append unit names to /run/nixos/activation-restart-list and activation-reload-list.
  activation ? "",
  # Shell text, run before anything is changed, with the action as $2; a failing command ends the switch (exit code 1).
  preSwitchCheck ? "",
  # Text by name; a difference to the running system's ends switch and test (exit code 1) unless NIXOS_NO_CHECK is set.
  inhibitors ? { },
  # Shell text at the end of the boot loader's installation; a failing command ends the switch (exit code 1).
  bootLoader ? "",
  # Versions: another one of these is a reason to reboot …
  kernel ? "6.12.19",
  initrd ? "1",
  rebootTriggers ? null,
  # … to re-execute systemd during the switch …
  systemd ? "257.5",
  # … and to refuse the switch, after the boot loader is installed (exit code 100).
  initInterfaceVersion ? "systemd 2",
  system ? "x86_64-linux",
}:
let
  build =
    name: script: attributes:
    derivation (
      {
        inherit name system;
        builder = "/bin/sh";
        args = [
          "-euc"
          script
        ];
        PATH = "/usr/bin:/bin";
      }
      // attributes
    );

  kernelImage = build "linux-${kernel}" ''mkdir "$out"; echo "kernel ${kernel}" >"$out/bzImage"'' { };
  kernelModules = build "linux-${kernel}-modules" ''mkdir -p "$out/lib/modules/${kernel}"'' { };
  initrdImage =
    build "initrd-linux-${kernel}" ''mkdir "$out"; echo "initrd ${initrd}" >"$out/initrd"''
      { };
  systemdPackage = build "systemd-${systemd}" ''mkdir -p "$out/lib/systemd"'' { };

  version = builtins.toJSON (
    (if revision == null then { } else { configurationRevision = revision; })
    // (if nixpkgsRevision == null then { } else { nixpkgsRevision = nixpkgsRevision; })
    // {
      nixosVersion = release;
    }
  );
  nixosVersion = ''
    #!/bin/sh
    case "$1" in
      --json)
        cat <<EOF
    ${version}
    EOF
        ;;
      --configuration-revision)
        echo "${if revision == null then "" else revision}"
        ;;
      *)
        echo "${release} (Toy)"
        ;;
    esac
  '';

  entry = mode: path: text: { inherit mode path text; };
  entriesOf =
    mode: directory: texts:
    map (name: entry mode "${directory}/${name}" texts.${name}) (builtins.attrNames texts);
  entries =
    entriesOf "644" "etc/systemd/system" units
    ++ entriesOf "644" "etc" etc
    ++ entriesOf "755" "sw/bin" (programs // { nixos-version = nixosVersion; })
    ++ [
      (entry "755" "snippets/activation" "set -e\n${activation}\n")
      (entry "755" "snippets/pre-switch-check" "set -e\n${preSwitchCheck}\n")
      (entry "755" "snippets/boot-loader" "set -e\n${bootLoader}\n")
      (entry "644" "switch-inhibitors" (builtins.toJSON inhibitors))
    ]
    ++ (
      if rebootTriggers == null then
        [ ]
      else
        [ (entry "644" "reboot-triggers" (builtins.toJSON rebootTriggers)) ]
    );
  numbered = builtins.genList (number: {
    variable = "entry${toString number}";
    entry = builtins.elemAt entries number;
  }) (builtins.length entries);

  isTemplate = unit: builtins.match ".*@\\.[a-z]+" unit != null;
  wanted = builtins.filter (unit: !(isTemplate unit) && !(builtins.elem unit manualUnits)) (
    builtins.attrNames units
  );

  toplevel = build "nixos-system-${name}-${release}" (builtins.readFile ./build-toplevel) (
    {
      inherit
        release
        initInterfaceVersion
        wanted
        packages
        kernelImage
        kernelModules
        initrdImage
        systemdPackage
        ;
      platform = system;
      activate = ./activate;
      switchToConfiguration = ./switch-to-configuration;
      manifest = map ({ variable, entry }: "${variable}:${entry.mode}:${entry.path}") numbered;
      passAsFile = map ({ variable, ... }: variable) numbered;
    }
    // builtins.listToAttrs (
      map (
        { variable, entry }:
        {
          name = variable;
          value = entry.text;
        }
      ) numbered
    )
  );
in
{
  inherit system;
  config = {
    networking.hostName = name;
    system.configurationRevision = revision;
    system.build.toplevel = toplevel;
  };
}
