#!/usr/bin/env bash
# Every include of aface/X/... from aface/Y must be allowed by layers.txt; OPTIONS means any *_options.h.
# Outside libraries are confined too: torch to tensor, ranks, nn, head, infer, train; OpenCV, FAISS/hnswlib, toml++, SQLite and httplib to .cpp files.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
complain() { echo "layers: $1" >&2; bad=1; }

declare -A allowed
while IFS=: read -r folder list; do
  [[ -z $folder || $folder == \#* ]] && continue
  allowed[$folder]="$list "
done < layers.txt

while IFS=: read -r file line include; do
  folder=$(cut -d/ -f2 <<< "$file")
  target=$(sed -E 's/.*"aface\/([a-z_]+)\/.*/\1/' <<< "$include")
  [[ -v allowed[$folder] ]] || { complain "$file: folder '$folder' is not in layers.txt"; continue; }
  [[ $target == "$folder" || " ${allowed[$folder]} " == *" $target "* ]] && continue
  [[ " ${allowed[$folder]} " == *" OPTIONS "* && $include == *_options.h\"* ]] && continue
  complain "$file:$line: $folder may not include $target (see layers.txt)"
done < <(grep -rnE '^#include "aface/' aface --include='*.h' --include='*.cpp')

while IFS= read -r hit; do complain "apps is never included: $hit"
done < <(grep -rnE '^#include "apps/' aface || true)
while IFS= read -r hit; do complain "torch belongs to tensor, ranks, nn, head, infer and train: $hit"
done < <(grep -rnE '^#include [<"](torch|ATen|c10)/' aface | grep -vE '^aface/(tensor|ranks|nn|head|infer|train)/' || true)
while IFS= read -r hit; do complain "keep this library inside .cpp files: $hit"
done < <(grep -rnE '^#include [<"](opencv2|faiss|hnswlib|toml\+\+|CLI|sqlite3\.h|httplib\.h)' aface --include='*.h' || true)
while IFS= read -r hit; do complain "options headers use the standard library and core/field.h only: $hit"
done < <(grep -rnE '^#include "' aface --include='*_options.h' | grep -v 'aface/core/field.h' || true)

[[ $bad == 0 ]] && echo "layers: all includes keep to layers.txt"
exit $bad
