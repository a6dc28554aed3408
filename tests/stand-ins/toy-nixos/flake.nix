{
  description = "A toy NixOS, the nixpkgs of the tests";

  outputs =
    { self }:
    {
      lib.nixosSystem = import ./system.nix {
        release = builtins.replaceStrings [ "\n" ] [ "" ] (builtins.readFile ./release);
        nixpkgsRevision = self.rev or null;
      };
    };
}
