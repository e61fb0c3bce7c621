#pragma once
/// How many answers that live as long as their readers like, event streams or long ones, are open: of one
/// address, of one user, in all. So they have places of their own, and whoever takes all of his leaves
/// everybody else theirs. Any thread.
///
///   StreamBudget::Refusal why;
///   auto place = budget.take(address_bucket(client), user, limits, why);  // Held while the stream lives.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace market::platform {

struct StreamLimits {
  std::size_t total_max = 20'000;
  std::size_t address_max = 1'000, user_max = 100;  ///< 0: no limit.
  /// An address gets no more than half of what the others have left free: whoever is first leaves a place to
  /// each who comes.
  bool fair = false;
};

class StreamBudget {
 public:
  enum class Refusal : std::uint8_t { none, yours, everybodys };
  /// Holds its places while it lives.
  class Place {
   public:
    Place(StreamBudget& budget, std::uint64_t address, std::uint64_t user)
        : budget_(budget), address_(address), user_(user) {}
    ~Place() { budget_.give_back(address_, user_); }
    Place(const Place&) = delete;

   private:
    StreamBudget& budget_;
    const std::uint64_t address_, user_;
  };

  /// `user` 0: nobody signed in. Null, with the reason: no place is left.
  std::shared_ptr<Place> take(std::uint64_t address, std::uint64_t user, const StreamLimits& limits,
                              Refusal& refusal) {
    const std::lock_guard lock(mutex_);
    refusal = Refusal::everybodys;
    if (open_ >= limits.total_max) return nullptr;
    refusal = Refusal::yours;
    if (is_full(addresses_, address, limits.address_max)) return nullptr;
    if (limits.fair && is_full(addresses_, address, std::max<std::size_t>(1, (limits.total_max - open_) / 2)))
      return nullptr;
    if (user != 0 && is_full(users_, user, limits.user_max)) return nullptr;
    refusal = Refusal::none;
    ++open_;
    ++addresses_[address];
    if (user != 0) ++users_[user];
    return std::make_shared<Place>(*this, address, user);
  }
  std::size_t open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  using Counts = std::unordered_map<std::uint64_t, std::size_t>;
  static bool is_full(const Counts& counts, std::uint64_t key, std::size_t max) {
    const auto found = counts.find(key);
    return max > 0 && found != counts.end() && found->second >= max;
  }
  static void drop(Counts& counts, std::uint64_t key) {
    if (const auto found = counts.find(key); found != counts.end() && --found->second == 0)
      counts.erase(found);
  }
  void give_back(std::uint64_t address, std::uint64_t user) {
    const std::lock_guard lock(mutex_);
    --open_;
    drop(addresses_, address);
    if (user != 0) drop(users_, user);
  }

  mutable std::mutex mutex_;  ///< Taken when a stream begins or ends, never per event.
  std::size_t open_ = 0;
  Counts addresses_, users_;
};

}  // namespace market::platform
