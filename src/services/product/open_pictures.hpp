#pragma once
/// Pictures that are being sent: who asks for one meanwhile gets the same bytes. So many slow readers of a
/// picture cost as much memory as one. Nothing is kept for later.

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <mutex>
#include <string>

namespace market::product {

class OpenPictures {
 public:
  using Picture = std::shared_ptr<const std::string>;

  /// By its hash. Null when nobody is reading it.
  Picture find(const std::string& hash) const {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(hash);
    return found == open_.end() ? nullptr : found->second.lock();
  }
  /// The one that others are reading by now, or else this one.
  Picture share(const std::string& hash, Picture loaded) {
    const std::lock_guard lock(mutex_);
    if (open_.size() >= forget_at_) {
      boost::unordered::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
      forget_at_ = 2 * open_.size() + forget_at_min;
    }
    auto& known = open_[hash];
    if (auto other = known.lock()) return other;
    known = loaded;
    return loaded;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return open_.size();
  }

 private:
  static constexpr std::size_t forget_at_min = 64;
  mutable std::mutex mutex_;
  boost::unordered_flat_map<std::string, std::weak_ptr<const std::string>> open_;
  std::size_t forget_at_ = forget_at_min;
};

}  // namespace market::product
