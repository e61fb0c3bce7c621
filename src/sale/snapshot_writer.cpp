#include "sale/snapshot_writer.hpp"

#include <spdlog/spdlog.h>

#include "base/memory.hpp"
#include "base/thread_name.hpp"

namespace market::sale {
namespace {

constexpr Millis look_again{100};  // Whether the records have come as far.

}  // namespace

SnapshotWriter::SnapshotWriter(SnapshotStore& store, const KeyFilter& keys, const Projector& records)
    : store_(store), keys_(keys), records_(records), thread_([this] { run(); }) {}

bool SnapshotWriter::begin(Place place) {
  if (!idle()) return false;
  const std::scoped_lock lock(mutex_);
  place_ = place;
  begun_ = abandoned_ = failed_ = false;
  stage_.store(Stage::copying);
  return true;
}

void SnapshotWriter::add(std::string piece) {
  if (piece.empty()) return;
  waiting_bytes_.fetch_add(piece.size(), std::memory_order_relaxed);
  {
    const std::scoped_lock lock(mutex_);
    pieces_.push_back(std::move(piece));
  }
  wake_.notify_one();
}

void SnapshotWriter::finish() {
  {
    const std::scoped_lock lock(mutex_);
    stage_.store(Stage::finishing);
  }
  wake_.notify_one();
}

void SnapshotWriter::abandon() {
  {
    const std::scoped_lock lock(mutex_);
    if (stage_.load() == Stage::idle) return;
    abandoned_ = true;
  }
  wake_.notify_one();
}

void SnapshotWriter::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<> SnapshotWriter::write(const std::vector<std::string>& pieces, Stage stage) {
  if (!std::exchange(begun_, true))
    if (const auto begun = store_.begin(); !begun) return begun;
  for (const std::string& piece : pieces)
    if (const auto written = store_.append(piece); !written) return written;
  if (stage != Stage::finishing) return {};
  if (const auto written = store_.append(keys_.encode()); !written) return written;
  return store_.commit();
}

void SnapshotWriter::run() {
  name_thread("snapshots");
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] {
      return stopping_ || abandoned_ || !pieces_.empty() || stage_.load() == Stage::finishing;
    });
    if (stopping_) return;
    std::vector<std::string> pieces = std::exchange(pieces_, {});
    const Stage stage = stage_.load();
    while (stage == Stage::finishing && records_.place() < place_ && !stopping_ && !abandoned_)
      wake_.wait_for(lock, look_again);
    if (stopping_) return;
    if (abandoned_) {
      waiting_bytes_.store(0);
      stage_.store(Stage::idle);
      abandoned_ = false;
      continue;
    }
    const bool drop = failed_;
    lock.unlock();
    const auto written = drop ? Result<>() : write(pieces, stage);
    for (const std::string& piece : pieces) waiting_bytes_.fetch_sub(piece.size(), std::memory_order_relaxed);
    pieces = {};
    if (stage == Stage::finishing) return_free_memory();  // Of the key filter's copy.
    if (!written) spdlog::warn("no snapshot could be made: {}", written.error().detail);
    if (written && !drop && stage == Stage::finishing) made_.fetch_add(1, std::memory_order_relaxed);
    lock.lock();
    if (!written) failed_ = true;  // The copy goes on into nothing; the next snapshot tries again.
    if (stage == Stage::finishing) stage_.store(Stage::idle);
  }
}

}  // namespace market::sale
