#pragma once
/// Brings a snapshot's pieces to its store on a thread of its own, and makes it the newest one when the
/// records have come as far: a start then finds them at or behind its place.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ports/snapshot_store.hpp"
#include "sale/key_filter.hpp"
#include "sale/projector.hpp"

namespace market::sale {

class SnapshotWriter {
 public:
  SnapshotWriter(SnapshotStore& store, const KeyFilter& keys, const Projector& records);
  ~SnapshotWriter() { stop(); }

  // The sequencer's thread only.
  /// False: the one before is not done yet.
  bool begin(Place place);
  bool idle() const { return stage_.load() == Stage::idle; }
  /// Whether it takes another piece now: so many bytes wait at most.
  static constexpr std::size_t waiting_bytes_max = 16 << 20;
  bool has_room() const { return waiting_bytes_.load(std::memory_order_relaxed) < waiting_bytes_max; }
  void add(std::string piece);
  void finish();
  /// Drops what was begun.
  void abandon();

  std::uint64_t made() const { return made_.load(std::memory_order_relaxed); }
  void stop();

 private:
  enum class Stage : std::uint8_t { idle, copying, finishing };
  void run();
  Result<> write(const std::vector<std::string>& pieces, Stage stage);

  SnapshotStore& store_;
  const KeyFilter& keys_;
  const Projector& records_;
  std::atomic<std::size_t> waiting_bytes_{0};
  std::atomic<std::uint64_t> made_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> pieces_;
  std::atomic<Stage> stage_{Stage::idle};
  Place place_ = 0;
  bool begun_ = false, abandoned_ = false, failed_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace market::sale
