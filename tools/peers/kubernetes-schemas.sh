#!/bin/bash
# Prints a directory with JSON schemas of what the chart makes, a folder for each release of Kubernetes: `1.25/daemonset-apps-v1.json`.
#   kubernetes-schemas.sh [--cached]    with --cached nothing is fetched: exit code 1 where they are missing
# They come out of the Python package kubernetes-validate, which is unpacked and not installed. An interrupted download leaves
# nothing; a second caller waits for the first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../apt.sh"
. "$here/kept.sh"
package=kubernetes-validate==1.37.0
hash=85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9
target=$cache/kubernetes-schemas-${hash:0:12}

kept "$target" "${1:-}"
python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
work=$(mktemp -d "$cache/kubernetes-schemas.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "peers: fetching $package" >&2
echo "$package --hash=sha256:$hash" >"$work/requirements"
python3 -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
  --dest "$work" --requirement "$work/requirements" >&2
python3 - "$work" <<'END'
import glob, json, os, re, sys, zipfile

work = sys.argv[1]
kinds = ['configmap-v1', 'daemonset-apps-v1', 'networkpolicy-networking-v1', 'pod-v1', 'service-v1', 'serviceaccount-v1']
archive = zipfile.ZipFile(glob.glob(work + '/*.whl')[0])
for name in archive.namelist():
    found = re.search(r'/v(1\.\d+)\.\d+-(?:local|standalone)-strict/([\w-]+)\.json$', name)
    if not found or found[2] not in kinds + ['_definitions']:
        continue
    # Neither where a schema is published nor an absolute reference can be loaded without a network.
    schema = json.loads(archive.read(name).decode().replace('"/api/_definitions.json', '"_definitions.json'))
    schema.pop('$schema', None)
    os.makedirs(f'{work}/schemas/{found[1]}', exist_ok=True)
    with open(f'{work}/schemas/{found[1]}/{found[2]}.json', 'w') as file:
        json.dump(schema, file)
END
mv "$work/schemas" "$target"
echo "$target"
