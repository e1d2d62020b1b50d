#!/bin/bash
# nft.sh: how to call nft(8) of this machine or, where it has none, Debian's, unpacked in the cache.
. "$(dirname "$0")/../nodes/common.sh"
PATH=$PATH:/usr/sbin:/sbin
command -v nft && exit
packages=(nftables libnftables1 libnftnl11 libmnl0 libjansson4 libedit2 libbsd0 libmd0 libxtables12 libgmp10)
folder=$cache/nft-$( (cat "$0" && . /etc/os-release && echo "${VERSION_CODENAME:-}") | hash)
found() { [ -x "$folder/nft" ] && echo "$folder/nft"; }

found && exit
one_maker nft 50
found && exit
rm -rf "$folder.new"
mkdir -p "$folder.new"
cd "$folder.new"
download() { apt-get download -qq -o APT::Sandbox::User=root "${packages[@]}" >&2; }
download 2>/dev/null || { apt-get update -qq >&2 && download; } || fail 'apt-get could not download nftables'
for package in ./*.deb; do dpkg-deb -x "$package" . && rm "$package"; done
cat >nft <<'END'
#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH=$(echo "$here"/usr/lib/*-linux-gnu) exec "$here/usr/sbin/nft" "$@"
END
chmod +x nft
rm -rf "$folder"
mv "$folder.new" "$folder"
found
