#!/bin/bash
# kernel.sh NAME: a kernel of the table `kernels`, made ready to boot: vmlinux (unpacked, which an emulator does slowly), an
# initrd that finds the disks, and the modules as a disk. Prints its folder in the cache, found again by the versions of the
# packages. Without a network the one that is there is used.
. "$(dirname "$0")/common.sh"
name=${1:?usage: kernel.sh NAME}
read -r _ release _ < <(awk -v name="$name" '$1 == name' "$nodes/kernels") || fail "there is no kernel $name in test/nodes/kernels"
here=$cache/node-kernel-$name

one_maker "node-kernel-$name" 1500
need busybox:busybox-static cpio:cpio zstd:zstd lz4:lz4 xz:xz-utils depmod:kmod mke2fs:e2fsprogs

# A view of the packages of that release alone, apart from the machine's own.
apt=$here/apt
apt_view "$apt" "$(mirror)" "$release"
if [ -z "$(find "$apt/fetched" -mmin -1440 2>/dev/null)" ]; then
  if apt-get -qq --error-on=any update >&2; then
    touch "$apt/fetched"
  else
    [ -e "$here/current/vmlinux" ] || fail "cannot fetch the package lists of $release: a network is needed once"
    say "$name: no package lists to be had, the kernel that is there is used"
    readlink -f "$here/current"
    exit
  fi
fi

# The kernel's package and those beside it that hold its files (newer releases split it).
depends() { apt-cache show "$1" | sed -n 's/^Depends: //p' | tr ',|' '\n\n' | grep -oE 'linux-(image|binary|modules|base)-[0-9][^ ]*' || :; }
packages=$(depends "linux-image-cloud-amd64" | sort -u)
packages=$( (echo "$packages" && for package in $packages; do depends "$package"; done) | sort -u)
versions=$(apt-cache show $packages | sed -nE 's/^(Package|Version|SHA256): //p')
built=$here/$( (cat "$0" && echo "$versions") | hash)
if [ -e "$built/vmlinux" ]; then
  ln -sfn "$built" "$here/current"
  echo "$built" && exit
fi

say "$name: fetching $(echo $packages)"
rm -rf "$here"/*.new
mkdir -p "$built.new"
cd "$built.new"
apt-get -qq download $packages >&2 || fail "cannot fetch $(echo $packages); what was there before stays usable"
for package in *.deb; do dpkg-deb -x "$package" files; done
modules=$(echo files/lib/modules files/usr/lib/modules | tr ' ' '\n' | while read -r folder; do [ ! -d "$folder" ] || echo "$folder"; done | head -1)
version=$(ls "$modules")
mkdir -p tree/lib/modules
mv "$modules/$version" tree/lib/modules/

unpack() { # unpack IMAGE: the ELF kernel inside a compressed image
  local magic program offset
  while read -r magic program; do
    for offset in $(LC_ALL=C grep -aboP "$magic" "$1" | cut -d: -f1); do
      tail -c "+$((offset + 1))" "$1" | $program -dc >vmlinux 2>/dev/null || :
      [ "$(head -c 4 vmlinux | tail -c 3)" != ELF ] || return 0
    done
  done <<'END'
\x28\xb5\x2f\xfd zstd
\xfd7zXZ\x00 xz
\x02\x21\x4c\x18 lz4
\x1f\x8b\x08 gzip
END
  return 1
}
image=$(find files tree -name 'vmlinuz*' -type f | head -1)
unpack "$image" || fail "$name: no kernel found inside $image"
rm -f tree/lib/modules/"$version"/{vmlinuz,System.map}
depmod -b tree "$version"

# The initrd: busybox, the drivers of the disks, and a few lines to hand over to systemd.
mkdir -p initrd/{bin,modules}
cp "$(command -v busybox)" initrd/bin/
count=10
for module in $(for driver in virtio_pci virtio_blk; do modprobe -d tree -S "$version" --show-depends $driver; done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
  case $module in
  *.xz) xz -dc "$module" ;;
  *.zst) zstd -dc "$module" ;;
  *) cat "$module" ;;
  esac >"initrd/modules/$((count++)).ko"
done
cat >initrd/init <<'END'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /dev /root
$b mount -t proc proc /proc
if $b grep -q node.probe /proc/cmdline; then $b echo "the machine works" && $b reboot -f; fi
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done
until $b mount -t ext4 -o rw,noatime /dev/vda /root 2>/dev/null; do $b sleep 0.05; done
$b mount -t ext4 -o ro /dev/vdb /root/usr/lib/modules
$b mount --move /dev /root/dev
$b umount /proc
exec $b switch_root /root /lib/systemd/systemd
END
chmod +x initrd/init
(cd initrd && find . | cpio -o -H newc --quiet) >initrd.cpio
ext4 modules.ext4 256M tree/lib/modules
echo "$version" >release
rm -rf files tree initrd ./*.deb
cd /
mv "$built.new" "$built"
ln -sfn "$built" "$here/current"
find "$here" -maxdepth 1 -type d -mtime +30 ! -path "$built" ! -path "$here" ! -path "$apt" -exec rm -rf {} +
say "$name: $version"
echo "$built"
