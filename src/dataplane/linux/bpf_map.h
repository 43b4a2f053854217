// A BPF map with the types of its keys and values. Calls go to the kernel one by one, or in batches
// where there may be many.
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::dataplane {

template <typename Key, typename Value>
class BpfMap {
 public:
  using Entry = std::pair<Key, Value>;

  BpfMap() = default;
  BpfMap(std::string name, UniqueFd fd) : name_(std::move(name)), fd_(std::move(fd)) {}

  [[nodiscard]] Result<void> set(const Key& key, const Value& value) {
    return done("write", bpf_map_update_elem(fd_.get(), &key, &value, BPF_ANY));
  }
  /// `keys` and `values` are of one length.
  [[nodiscard]] Result<void> set_all(const std::vector<Key>& keys,
                                     const std::vector<Value>& values) {
    bpf_map_batch_opts options{};
    options.sz = sizeof options;
    auto count = static_cast<std::uint32_t>(keys.size());
    return done("write",
                bpf_map_update_batch(fd_.get(), keys.data(), values.data(), &count, &options));
  }
  /// One that is not there is no error.
  [[nodiscard]] Result<void> erase(const Key& key) {
    const int error = bpf_map_delete_elem(fd_.get(), &key);
    return done("delete from", error == -ENOENT ? 0 : error);
  }
  /// False where there is none.
  [[nodiscard]] bool get(const Key& key, Value& value) const {
    return bpf_map_lookup_elem(fd_.get(), &key, &value) == 0;
  }
  /// For per-CPU maps: one value a possible CPU.
  [[nodiscard]] bool get(const Key& key, std::vector<Value>& values) const {
    return bpf_map_lookup_elem(fd_.get(), &key, values.data()) == 0;
  }
  [[nodiscard]] std::vector<Key> keys() const {
    std::vector<Key> keys;
    Key key;
    for (int error = bpf_map_get_next_key(fd_.get(), nullptr, &key); error == 0;
         error = bpf_map_get_next_key(fd_.get(), &keys.back(), &key)) {
      keys.push_back(key);
    }
    return keys;
  }
  [[nodiscard]] Result<std::vector<Entry>> entries() const {
    constexpr std::uint32_t kBatch = 4096;
    std::vector<Entry> entries;
    std::vector<Key> keys(kBatch);
    std::vector<Value> values(kBatch);
    bpf_map_batch_opts options{};
    options.sz = sizeof options;
    Key at;
    for (bool first = true, more = true; more; first = false) {
      std::uint32_t count = kBatch;
      const int error = bpf_map_lookup_batch(fd_.get(), first ? nullptr : &at, &at, keys.data(),
                                             values.data(), &count, &options);
      more = error == 0;
      if (error != 0 && error != -ENOENT) return tl::unexpected(failed("read", -error));
      for (std::uint32_t i = 0; i < count; ++i) entries.emplace_back(keys[i], values[i]);
    }
    return entries;
  }

 private:
  [[nodiscard]] Error failed(const char* what, int error) const {
    return system_error(std::string(what) + " BPF map", name_, error).value();
  }
  [[nodiscard]] Result<void> done(const char* what, int error) const {
    if (error != 0) return tl::unexpected(failed(what, -error));
    return {};
  }

  std::string name_;
  UniqueFd fd_;
};

}  // namespace sextant::dataplane
