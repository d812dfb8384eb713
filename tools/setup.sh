#!/usr/bin/env bash
# Installs what the build needs on Debian 12 (and Ubuntu 22.04 or later). Does nothing, and asks nothing of the
# network, when everything is there. AFACE_SKIP_SETUP=1 skips it: for machines where libraries come another way.
set -euo pipefail

build_tools=(build-essential cmake ninja-build ccache pkg-config)
libraries=(libtorch-dev libgloo-dev libopenblas-dev libdnnl-dev libopencv-dev libturbojpeg0-dev libpng-dev
           libhnswlib-dev libsqlite3-dev libcpp-httplib-dev libonnx-dev libprotobuf-dev
           libcli11-dev libtomlplusplus-dev libspdlog-dev libfmt-dev nlohmann-json3-dev)
for_tests=(libgtest-dev libgmock-dev libbenchmark-dev)

if [[ ${AFACE_SKIP_SETUP:-0} == 1 ]]; then
  exit 0
fi
if ! command -v apt-get > /dev/null; then
  echo "setup: this is not a Debian; install the libraries of cmake/AfaceDependencies.cmake yourself and set" \
       "AFACE_SKIP_SETUP=1" >&2
  exit 1
fi

wanted=("${build_tools[@]}" "${libraries[@]}" "${for_tests[@]}")
installed=$(dpkg-query -W -f='${Package} ${Status}\n' "${wanted[@]}" 2> /dev/null | sed -n 's/ install ok installed$//p' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qx -- "$package" <<< "$installed" || missing+=("$package")
done
if [[ ${#missing[@]} == 0 ]]; then
  exit 0
fi

as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo > /dev/null || { echo "setup: run as root, or install sudo: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" > "$log" 2>&1 && return
  tail -n 20 "$log" >&2
  echo "setup: '$*' failed, see above" >&2
  exit 1
}
quietly apt-get update -q
quietly apt-get install -y -q --no-install-recommends "${missing[@]}"
echo "setup: done"
