#pragma once

#include <bpf/libbpf.h>
#include <napi.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "descriptor.h"
#include "js.h"

class Ring;

// One BPF object, from its ELF bytes to its links. Used on the event loop only, apart from the load, which keeps its own
// hold on the libbpf object; all other work on threads has descriptors of its own. Closed when nobody refers to it.
class BpfObject {
 public:
  BpfObject(Bytes elf, const std::string& name);
  ~BpfObject() { close(); }
  BpfObject(const BpfObject&) = delete;

  // Throw EBADF when closed, EBUSY while loading, EALREADY when loaded (editable) or EINVAL when not (loaded).
  bpf_object* editable() const;
  bpf_object* loaded() const;

  // Throw ENOENT. Maps of global data are known by their section, such as `.bss`.
  bpf_map* map(const std::string& name) const;
  bpf_program* program(const std::string& name) const;
  // Of a loaded object.
  int mapDescriptor(const std::string& name) const;

  void close();

  std::string name;
  std::map<uint32_t, bpf_link*> links;
  // Sockets that a program is attached to, by the same numbers as links.
  std::map<uint32_t, Descriptor> sockets;
  uint32_t nextLink = 1;
  std::vector<std::shared_ptr<Ring>> rings;
  // By program, where load was asked for them.
  std::map<std::string, uint32_t> verifiedInstructions;

 private:
  friend void addLoading(Napi::Object target, std::shared_ptr<BpfObject> object);

  enum class State { Opened, Loading, Loaded, Failed };

  bpf_object* open() const;

  std::shared_ptr<bpf_object> object_;
  State state_ = State::Opened;
};

std::string nameOf(const bpf_map* map);

// The object as JavaScript sees it: each capability adds its methods.
Napi::Object newBpfObject(Napi::Env env, Bytes elf, const std::string& name);
void addLoading(Napi::Object target, std::shared_ptr<BpfObject> object);
void addAttaching(Napi::Object target, std::shared_ptr<BpfObject> object);
void addListening(Napi::Object target, std::shared_ptr<BpfObject> object);
void addIterators(Napi::Object target, std::shared_ptr<BpfObject> object);
void addMaps(Napi::Object target, std::shared_ptr<BpfObject> object);
void addGlobals(Napi::Object target, std::shared_ptr<BpfObject> object);
void addFigures(Napi::Object target, std::shared_ptr<BpfObject> object);
void addRings(Napi::Object target, std::shared_ptr<BpfObject> object);
