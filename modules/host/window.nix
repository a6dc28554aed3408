# The windows of a policy, as the agent reads them (nixfleet-core/src/config/window.rs): [DAYS ]HH:MM-HH:MM.
# Only built-in functions: tested against the agent's own reader without NixOS.
rec {
  day = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
  days = "${day}([.][.]${day})?(,${day}([.][.]${day})?)*";
  time = "([01][0-9]|2[0-3]):[0-5][0-9]";
  space = "[ \t\n\r]+";

  isWindow =
    text:
    builtins.isString text
    && builtins.match "[ \t\n\r]*(${days}${space})?${time}-(${time}|24:00)[ \t\n\r]*" text != null;

  example = "Mon..Fri 02:00-05:00";
}
