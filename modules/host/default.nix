# services.nixfleet on a host: one file per topic, each with its options, what they do, and what is checked of them.
{
  imports = [
    ./build.nix
    ./confirm.nix
    ./conflicts.nix
    ./exporter.nix
    ./github.nix
    ./permissions.nix
    ./policy.nix
    ./program.nix
    ./proxy.nix
    ./repository.nix
    ./repository-credentials.nix
    ./repository-user.nix
    ./revision.nix
    ./shared-state.nix
    ./signatures.nix
    ./tests.nix
    ./units.nix
  ];
}
