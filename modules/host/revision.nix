# The revision that the running system carries: without it nobody can tell which commit runs.
#
# The arguments of the configuration's modules are looked at for its flake, too: with specialArgs = { inherit self; } or
# { inherit inputs; }, which many configurations have, there is nothing to set.
{ config, lib, ... }@arguments:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  isFlake = value: lib.isAttrs value && value._type or null == "flake";
  passed = lib.filter isFlake [
    arguments.self or null
    arguments.inputs.self or null
  ];
in
{
  options.services.nixfleet.flake = mkOption {
    type = types.nullOr (types.addCheck types.raw lib.isAttrs) // {
      description = "null or a flake";
    };
    default = if passed == [ ] then null else lib.head passed;
    defaultText = lib.literalMD "`self` or `inputs.self` of `specialArgs`, where one is given";
    example = lib.literalExpression "self";
    description = ''
      The flake with this configuration, its `self`: sets {option}`system.configurationRevision`, so that the system knows
      the commit it was built from. Built from a work tree with changes it ends in `-dirty`, which names no commit.
    '';
  };

  config = lib.mkIf cfg.enable {
    system.configurationRevision = lib.mkIf (cfg.flake != null) (
      lib.mkDefault (cfg.flake.rev or cfg.flake.dirtyRev or null)
    );

    warnings =
      lib.optional (cfg.flake == null && config.system.configurationRevision == null)
        "The system will not know the commit that it was built from, and the compartment System stays gray: set services.nixfleet.flake = self, or system.configurationRevision = self.rev or null.";
  };
}
