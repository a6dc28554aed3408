# What does not go together with nixfleet, or is missing for it.
{ config, lib, ... }:
let
  cfg = config.services.nixfleet;
  deploys = cfg.policy.switch != "off";
  others =
    lib.optional config.system.autoUpgrade.enable "system.autoUpgrade.enable"
    ++ lib.optional (config.services.comin.enable or false) "services.comin.enable";
  names = lib.concatStringsSep " and " others;
  allowed = config.nix.settings.allowed-users or [ "*" ];
  mayUseNix =
    user: groups:
    lib.any (entry: lib.elem entry allowed) (
      [
        "*"
        user
      ]
      ++ map (group: "@${group}") groups
    );
  owner = cfg.repository.user;
  isOwn = owner == null || owner == "nixfleet";
  declared = config.users.users.${owner} or null;
  # As far as this configuration tells: groups may come from elsewhere, too.
  groupsOf =
    user:
    [ user.group ]
    ++ user.extraGroups
    ++ lib.attrNames (lib.filterAttrs (_: group: lib.elem owner group.members) config.users.groups);
in
{
  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !(deploys && others != [ ]);
        message = "services.nixfleet.policy.switch and ${names} both deploy by themselves, and would undo each other's work: remove ${names}.";
      }
      {
        assertion = config.nix.enable;
        message = "services.nixfleet builds with Nix: remove nix.enable = false.";
      }
      {
        assertion = config.system.switch.enable or true || config.system.switch.enableNg or false;
        message = "services.nixfleet cannot activate a system without switch-to-configuration: remove system.switch.enable = false.";
      }
      {
        # An older NixOS has one option for all of these tools.
        assertion = config.system.tools.nixos-version.enable or (!config.system.disableInstallerTools);
        message = "services.nixfleet reads the running system's revision in nixos-version: remove system.tools.nixos-version.enable = false (or system.disableInstallerTools = true).";
      }
      {
        assertion = isOwn -> mayUseNix "nixfleet" [ "nixfleet" ];
        message = ''services.nixfleet builds as the user nixfleet, which may not use Nix: add "nixfleet" to nix.settings.allowed-users.'';
      }
    ];

    warnings =
      lib.optional (!deploys && others != [ ])
        "${names} deploys behind nixfleet's back. That is fine for looking at nixfleet first; remove it as soon as services.nixfleet.policy.switch is set."
      ++
        lib.optional (!isOwn && declared != null && !mayUseNix owner (groupsOf declared))
          ''services.nixfleet.repository.user: nixfleet builds as ${owner}, who may not use Nix: add "${owner}" to nix.settings.allowed-users.'';
  };
}
