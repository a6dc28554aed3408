# The texts of the units, from the one source that the tests use, too: modules/units.
{
  lib,
  agent,
  exporter,
  path,
}:
let
  directory = ../units;
  isUnit =
    name: kind: kind == "regular" && builtins.match "nixfleet-.*[.](service|socket)" name != null;
  names = lib.attrNames (lib.filterAttrs isUnit (builtins.readDir directory));
  text =
    name:
    builtins.replaceStrings
      [
        "@agent@"
        "@exporter@"
        "@path@"
      ]
      [
        agent
        exporter
        path
      ]
      (builtins.readFile (directory + "/${name}"));
in
lib.genAttrs names text
