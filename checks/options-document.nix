# docs/options.md from the options' own descriptions.
{ lib, options }:
let
  ours = lib.filter (option: option.visible && !option.internal) (
    lib.optionAttrSetToDocList options.services.nixfleet
  );

  # The roles of NixOS's own manual, {option}`x`, are not known elsewhere.
  plain = builtins.replaceStrings [ "{option}" "{manpage}" "{command}" "{file}" ] [ "" "" "" "" ];

  value =
    kind: it:
    let
      text = lib.removeSuffix "\n" it.text;
    in
    if it._type or "" == "literalMD" then
      "${kind}: ${text}\n\n"
    else if lib.hasInfix "\n" text then
      "${kind}:\n\n```nix\n${text}\n```\n\n"
    else
      "${kind}: `${text}`\n\n";

  section = option: ''
    ## `${option.name}`

    ${lib.trim (plain option.description)}

    Type: ${option.type}

    ${lib.optionalString (option ? default) (value "Default" option.default)}${
      lib.optionalString (option ? example) (value "Example" option.example)
    }'';
in
''
  # Options of the NixOS module

  Made from the module by `checks/evaluate --update`; the test `module` says when it is not up to date. The keys of the file that the
  options write are in [configuration.md](configuration.md).

''
+ lib.removeSuffix "\n" (lib.concatMapStrings section ours)
