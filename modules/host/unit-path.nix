# A path as one word of a setting of a unit such as ReadWritePaths= (systemd.syntax(7), "Quoting"; systemd.unit(5),
# "Specifiers"): spaces and quotation marks in quotation marks, a percent sign twice. A backslash is itself there. `prefix`
# are signs before it, such as the - of a path that may be missing. Only built-in functions: tested without NixOS.
prefix: path:
let
  isPlain = builtins.match "[A-Za-z0-9/._@:+,=-]*" path != null;
  # Quoted as a whole; a quotation mark itself in those of the other kind.
  quoted = "\"${
    builtins.replaceStrings
      [
        "%"
        "\""
      ]
      [
        "%%"
        "\"'\"'\""
      ]
      (prefix + path)
  }\"";
in
if isPlain then prefix + path else quoted
