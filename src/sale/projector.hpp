#pragma once
/// Writes what the log says into the records, in bulk, behind the log, on a thread of its own.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/line_limit.hpp"
#include "ports/order_records.hpp"
#include "sale/read_overlay.hpp"

namespace market::sale {

/// Told why what an instance holds cannot be mended while it runs: it ends the process, and the next start
/// reads the log again.
using StartAnew = std::function<void(const std::string& why)>;

class Projector {
 public:
  struct Settings {
    std::size_t batch_events_max = 16'384;
    Millis linger{100};  ///< Waits this long for a fuller batch: rows cost less in bulk.
    /// A rush is `rush_events` or more in one `linger`. The records wait until it is over, has gone on for
    /// `rush_wait_max`, or `rush_events_max` events wait: while a sale runs the processor belongs to buyers.
    std::size_t rush_events = 500;
    std::size_t rush_events_max = 262'144;
    Millis rush_wait_max{10'000};
    Millis retry_after{500};
    /// Others fold, and this instance only learns how far they are: what it forgets rests on that.
    bool others_fold = false;
    /// The records went back behind what was handed over and forgotten: folded on, they would have a hole.
    StartAnew start_anew = [](const std::string&) {};
  };

  Projector(RecordFold& records, ReadOverlay& overlay, Place at, Settings settings);
  ~Projector() { stop(); }

  /// Hands over a group that counts; the writer's thread only. Products are folded at once: they are few, and
  /// lists read them.
  void push(CountedEvents events);
  /// How far the records are. Any thread.
  Place place() const { return place_.load(std::memory_order_acquire); }
  /// Folds what is there, then ends the thread.
  void stop();

 private:
  using Groups = std::vector<CountedEvents>;
  void run();
  /// Returns when it is time to write: at once when stopping. False: nothing is left and it stops.
  bool wait_for_events();
  Groups take();
  /// False: the records cannot be written, or went back, and it stops.
  bool store(const Groups& groups);
  /// False: it stops.
  bool pause(Millis wait);

  RecordFold& records_;
  ReadOverlay& overlay_;
  const Settings settings_;
  std::atomic<Place> place_;
  LineLimit said_;    ///< The own thread's.
  std::mutex mutex_;  ///< Guards what waits.
  std::condition_variable wake_;
  std::deque<CountedEvents> waiting_;
  std::size_t waiting_events_ = 0;
  std::uint64_t events_pushed_ = 0;
  bool at_once_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace market::sale
