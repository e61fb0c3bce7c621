#pragma once
/// Publishes what everybody may know of the log: a follower whose effect is a message in a topic. At least
/// once, in the log's order; readers count exactly by the places in the messages (api/events.yaml).

#include "base/failpoint.hpp"
#include "ports/event_topic.hpp"
#include "ports/follower_places.hpp"
#include "ports/product_board.hpp"
#include "wire/json/public_event.hpp"

namespace market::order {

class PublishEvents final : public LogEffect {
 public:
  /// A place is stored with its events, and at least after so many that are for nobody.
  static constexpr Place unstored_max = 10'000;

  PublishEvents(EventTopic& topic, FollowerPlaces& places, const ProductBoard& board,
                Failpoint failpoint = {});
  void rest() override { at_.reset(); }
  Task<std::vector<Follower>> followers() override;
  Task<> take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) override;
  std::uint64_t published() const { return published_.load(std::memory_order_relaxed); }

 private:
  EventTopic& topic_;
  FollowerPlaces& places_;
  wire::PublicEvents events_;
  const Failpoint failpoint_;
  std::optional<FollowedTo> at_;
  Place stored_ = 0;
  std::atomic<std::uint64_t> published_{0};
};

}  // namespace market::order
