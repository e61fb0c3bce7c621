#pragma once
/// A hash map in many small parts. One flat map that doubles moves all of its entries at once: at 4 million
/// that stalls the sequencer for 390 ms. Here each part grows by itself, a few thousand entries at a time.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <memory>

namespace market {

template <class Key, class Value>
class SegmentedMap {
 public:
  using Part = boost::unordered_flat_map<Key, Value>;

  Value* find(const Key& key) {
    Part& part = part_of(key);
    const auto found = part.find(key);
    return found == part.end() ? nullptr : &found->second;
  }
  const Value* find(const Key& key) const { return const_cast<SegmentedMap*>(this)->find(key); }
  bool contains(const Key& key) const { return find(key) != nullptr; }
  /// The value of `key`, made if there is none.
  Value& operator[](const Key& key) {
    const auto [entry, fresh] = part_of(key).try_emplace(key);
    size_ += fresh;
    return entry->second;
  }
  void erase(const Key& key) {
    Part& part = part_of(key);
    size_ -= part.erase(key);
    // What a rush took beyond a little is given back, once all of it has gone.
    if (part.empty() && part.bucket_count() > kept_when_empty) part = {};
  }
  std::size_t size() const { return size_; }
  template <class Each>
  void for_each(Each each) const {
    for (const Part& part : *parts_)
      for (const auto& [key, value] : part) each(key, value);
  }
  /// For copying in slices.
  static constexpr std::size_t parts() { return part_count; }
  const Part& part(std::size_t number) const { return (*parts_)[number]; }
  static std::size_t part_number(const Key& key) {
    // Other bits than those by which the part itself places the key.
    return (static_cast<std::uint64_t>(hash_value(key)) * 0x9E3779B97F4A7C15ull) >> 54;
  }

 private:
  static constexpr std::size_t part_count = 1024;
  static constexpr std::size_t kept_when_empty = 64;  ///< Entries' room of a part.
  Part& part_of(const Key& key) { return (*parts_)[part_number(key)]; }
  std::size_t size_ = 0;
  std::unique_ptr<std::array<Part, part_count>> parts_ = std::make_unique<std::array<Part, part_count>>();
};

}  // namespace market
