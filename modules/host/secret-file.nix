# A secret in a file, which systemd hands over to the units that need it (LoadCredential=), so that only they can read it,
# whatever the permissions of the file are.
{ lib }:
let
  inherit (lib) mkOption types;
  inStore = import ./in-store.nix { inherit lib; };
in
{
  option =
    {
      example,
      content,
      more ? null,
    }:
    mkOption {
      type = types.nullOr types.path;
      default = null;
      inherit example;
      description =
        "A file with ${content}. Root reads it; never a file in the store."
        + lib.optionalString (more != null) "\n${more}";
    };

  # What has to hold for the file that this option names.
  assertion = option: file: {
    assertion = !inStore file;
    message = ''services.nixfleet.${option} is ${toString file}: everybody can read the store, so the secret in it is none any more. Replace the secret, and name a file outside of the store as a text, such as "/run/secrets/fleet".'';
  };

  # For LoadCredential=. `name` is what the programs look for in $CREDENTIALS_DIRECTORY.
  credential = name: file: lib.optional (file != null) "${name}:${toString file}";
}
