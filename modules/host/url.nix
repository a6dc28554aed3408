# What can be told of a remote's address before anybody asks the remote. Only built-in functions: tested without NixOS.
rec {
  # scheme, user information and the rest of scheme://user@rest; null for the short form of ssh and for a path.
  parts = url: builtins.match "([A-Za-z][A-Za-z0-9+.-]*)://(([^/@]*)@)?(.*)" url;

  scheme = url: if parts url == null then null else builtins.elemAt (parts url) 0;

  # user@host:path; a slash before the colon makes it a path.
  isShortSsh = url: parts url == null && builtins.match "[^/:]+:.*" url != null;

  isSsh = url: scheme url == "ssh" || scheme url == "git+ssh" || isShortSsh url;

  isHttp = url: scheme url == "http" || scheme url == "https";

  # user:password@ anywhere, and for http any user at all: there it is a token as often as a name.
  hasSecret =
    url:
    let
      user = if parts url == null then null else builtins.elemAt (parts url) 2;
    in
    user != null && (isHttp url || builtins.match ".*:.*" user != null);

  # For messages: the same without the secret. For ssh the user's name is none.
  withoutSecret =
    url:
    let
      user = builtins.elemAt (parts url) 2;
      name = if isHttp url then "" else builtins.head (builtins.match "([^:]*).*" user) + "@";
    in
    if hasSecret url then "${scheme url}://${name}${builtins.elemAt (parts url) 3}" else url;
}
