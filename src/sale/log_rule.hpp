#pragma once
/// The log's rule (DESIGN.md): which records of a log count. Used by every reader, on every store and in the
/// simulation.
///
///   Open counts only if its `after` is the newest term; its nonce is then the new term.
///   Group counts, whole, only if its term is the newest and its first place is one more than the last that
///   counted.
///
/// Everything else never counts, for any reader, whenever it arrives. So the log is a compare-and-set on
/// (term, place), and nothing else has to be exact.

#include "wire/events/record_codec.hpp"

namespace market::sale {

class LogRule {
 public:
  /// What is known of the log at some point: behind the last record that was judged.
  struct Point {
    LogId log;
    wire::Term term = 0;
    Place last = 0;  ///< The last place that counted.
    friend bool operator==(const Point&, const Point&) = default;
  };
  LogRule() = default;
  explicit LogRule(Point at) : at_(at) {}
  const Point& at() const { return at_; }

  /// Whether the record counts; if so, it becomes part of the point. Records in log order.
  bool judge(const wire::Open& open);
  bool judge(const wire::GroupHead& group);

 private:
  Point at_;
};

}  // namespace market::sale
