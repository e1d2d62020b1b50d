# Sourced by the scripts that fetch Debian packages. Bash, `set -euo pipefail`.

# apt_mirror: where this machine has its own packages from; nothing where it has none.
apt_mirror() {
  sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?(https?:[^ ]+).*/\2/p' \
    $(find /etc/apt -name '*.list' -o -name '*.sources') | awk '!/security/ && !found++'
}

# apt_view FOLDER MIRROR RELEASE: apt sees the packages of that release alone from here on and keeps what it knows in FOLDER;
# the machine stays as it is.
apt_view() {
  mkdir -p "$1"/{lists,archives}/partial "$1/none"
  : >"$1/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $2 $3 main" >"$1/sources.list"
  cat >"$1/conf" <<END
Dir::Etc::SourceList "$1/sources.list"; Dir::Etc::SourceParts "$1/none"; Dir::Etc::Parts "$1/none";
Dir::State "$1"; Dir::State::status "$1/status"; Dir::State::lists "$1/lists"; Dir::Cache "$1"; APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false"; Acquire::Languages "none"; Acquire::Retries "3";
END
  export APT_CONFIG=$1/conf
}

# apt_install PACKAGE...: on the machine itself; the package lists are updated only where that helps.
apt_install() {
  local install=(apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@")
  export DEBIAN_FRONTEND=noninteractive
  "${install[@]}" >&2 2>/dev/null || { apt-get update -qq >&2 && "${install[@]}" >&2; }
}
