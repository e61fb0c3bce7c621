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
  /// What was listed before its place is judged by the terms that were in force at the event's place: those
  /// of the board, if they have not changed since; else the log is read again from its start, in silence up
  /// to where it was.
  Task<> take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) override;
  std::uint64_t published() const { return published_.load(std::memory_order_relaxed); }

 private:
  /// False: whether it is for everybody is not known.
  bool can_judge(const CountedEvent& counted);
  void read_from_start();

  EventTopic& topic_;
  FollowerPlaces& places_;
  const ProductBoard& board_;
  wire::PublicEvents events_;
  const Failpoint failpoint_;
  std::optional<FollowedTo> at_;
  FollowedTo stored_;
  bool from_start_ = false;  ///< All that the log has was seen.
  Place silent_until_ = 0;   ///< What comes again up to here has been published.
  std::atomic<std::uint64_t> published_{0};
};

}  // namespace market::order
