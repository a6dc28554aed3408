# The configuration of the host in the VM tests, the same in the test's node and in the repository that it follows: after a
# switch it still builds without a network, and still has the programs that the test calls.
{ lib, pkgs, ... }:
{
  documentation.enable = false;
  # QEMU boots the kernel itself, and the disk has no place for a boot loader.
  boot.loader.grub.enable = false;
  nix.settings = {
    substituters = lib.mkForce [ ];
    hashed-mirrors = null;
    connect-timeout = 1;
    experimental-features = [
      "nix-command"
      "flakes"
    ];
  };
  system.switch.enable = true;
  virtualisation = {
    writableStore = true;
    useBootLoader = false;
  };
  programs.git.enable = true;
  environment.systemPackages = [ pkgs.jq ];
  networking.hostName = "web1";
  services.nixfleet = {
    enable = true;
    interval = 5;
    repository = {
      url = "file:///srv/fleet.git";
      branch = "main";
    };
    policy = {
      pull = "on";
      switch = "on";
      rollbackWhenTestsFail = true;
    };
  };
}
