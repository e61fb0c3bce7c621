#pragma once
/// ports/log.hpp in virtual time. Several writers produce into it, as into Kafka: records are lost, late,
/// come twice, and are seen only when they are replicated. One writer alone appends to it, as to SQLite: what
/// is written is synced later or never, a failed append may have happened, a crash keeps or tears what was
/// unsynced.

#include <deque>
#include <functional>

#include "ports/log.hpp"
#include "tests/sim/world.hpp"

namespace market::sim {

class SimLog {
 public:
  explicit SimLog(World& world) : world_(world) {}

  /// Told of each record when everybody can see it, for ever.
  std::function<void(Offset, const std::string&)> on_visible;

  // ---- Several writers ----
  void produce(std::string record);
  /// What is not replicated is cut.
  void change_leader();

  // ---- One writer ----
  using Appended = std::function<void(Result<Offset>)>;
  void append(std::string_view record, Appended done);
  /// Of the process: what was unsynced is there, or not, or torn (and then cut away).
  void crash();
  /// After a failed append: finds out what is really there. False: not yet.
  bool reopen();

  /// The offset of the next record that everybody can see.
  Offset end() const { return visible_ + 1; }
  const std::string& at(Offset offset) const { return records_[static_cast<std::size_t>(offset - 1)]; }
  Instant visible_at(Offset offset) const { return visible_at_[static_cast<std::size_t>(offset - 1)]; }
  std::uint64_t torn() const { return torn_; }

 private:
  void arrive(std::string record);
  void show(std::size_t through);
  void resolve(bool keep);

  World& world_;
  std::deque<std::string> records_;  ///< Written; those behind visible_ perhaps in vain.
  std::vector<Instant> visible_at_;
  Offset visible_ = 0;
  std::uint64_t torn_ = 0, appends_ = 0;
};

}  // namespace market::sim
