# Whether a file lies in the store, where everybody can read it and nobody can write it. Null lies nowhere.
{ lib }: file: file != null && lib.hasPrefix "${builtins.storeDir}/" (toString file)
