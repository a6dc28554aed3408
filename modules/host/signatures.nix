# Whose signatures the commits of the branch have to carry. These are public keys, so they may lie in the store.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nixfleet;
  inherit (cfg.repository) signatures;
  allowedSigners =
    if signatures.allowedSigners != null then
      pkgs.writeText "nixfleet-allowed-signers" (lib.removeSuffix "\n" signatures.allowedSigners + "\n")
    else
      signatures.allowedSignersFile;
  file = value: lib.mkDefault (if value == null then null else "${value}");
in
{
  options.services.nixfleet.repository.signatures = {
    allowedSigners = mkOption {
      type = types.nullOr types.lines;
      default = null;
      example = "alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
      description = ''
        ssh keys that may sign, in the format of `ssh-keygen`'s ALLOWED SIGNERS. With any of these options set, every
        commit that is pulled has to be signed by one of their keys.
      '';
    };

    allowedSignersFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./allowed_signers";
      description = "The same as a file that all can read.";
    };

    openpgpKeyringFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./keys.asc";
      description = "OpenPGP keys that may sign: exported public keys, binary or armoured.";
    };

    forgeKeyringFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./github-web-flow.asc";
      description = "OpenPGP keys that may sign merge commits only: those of the forge that merges pull requests.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.nixfleet.settings.repository.signatures = {
      allowed_signers_file = file allowedSigners;
      openpgp_keyring_file = file signatures.openpgpKeyringFile;
      forge_keyring_file = file signatures.forgeKeyringFile;
    };

    assertions = [
      {
        assertion = signatures.allowedSigners == null || signatures.allowedSignersFile == null;
        message = "services.nixfleet.repository.signatures.allowedSigners and .allowedSignersFile are both set: keep one of them.";
      }
      {
        assertion =
          signatures.forgeKeyringFile == null
          || allowedSigners != null
          || signatures.openpgpKeyringFile != null;
        message = "services.nixfleet.repository.signatures.forgeKeyringFile alone accepts merge commits only, so nobody could sign what is merged: set services.nixfleet.repository.signatures.allowedSigners or .openpgpKeyringFile, too.";
      }
    ];
  };
}
