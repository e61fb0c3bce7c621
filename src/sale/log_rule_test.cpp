#include "sale/log_rule.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace market::sale {
namespace {

using wire::GroupHead;
using wire::Open;
using wire::Term;

constexpr LogId this_log{1, 2, 0}, adopted{1, 2, 1}, other_log{1, 3, 9};

Open open_of(Term after, Term nonce, LogId log = this_log) {
  Open open;
  open.log = log;
  open.after = after;
  open.nonce = nonce;
  return open;
}
GroupHead group_of(Term term, Place first, std::uint32_t count) {
  GroupHead head;
  head.term = term;
  head.first = first;
  head.count = count;
  return head;
}

using Head = std::variant<Open, GroupHead>;
bool judge(LogRule& rule, const Head& head) {
  return std::visit([&](const auto& one) { return rule.judge(one); }, head);
}

struct Row {
  std::string_view what;
  Head head;
  bool counts;
  LogRule::Point then;  ///< What is known behind it.
};

/// One log from its first record; a record that does not count changes nothing.
const std::vector<Row> table{
    {"a group before any Open", group_of(0, 1, 1), false, {}},
    {"a group of a term that nobody opened", group_of(7, 1, 1), false, {}},
    {"an Open without a nonce", open_of(0, 0), false, {}},
    {"an Open that names no log", open_of(0, 7, LogId{}), false, {}},
    {"an Open after a term that was not", open_of(3, 7), false, {}},
    {"the first Open", open_of(0, 7), true, {this_log, 7, 0}},
    {"the same once more", open_of(0, 7), false, {this_log, 7, 0}},
    {"the loser of the race to open", open_of(0, 8), false, {this_log, 7, 0}},
    {"a group that does not begin at the next place", group_of(7, 2, 1), false, {this_log, 7, 0}},
    {"a group at place 0", group_of(7, 0, 1), false, {this_log, 7, 0}},
    {"a group of nothing", group_of(7, 1, 0), false, {this_log, 7, 0}},
    {"the first group", group_of(7, 1, 3), true, {this_log, 7, 3}},
    {"its duplicate", group_of(7, 1, 3), false, {this_log, 7, 3}},
    {"one behind a lost one", group_of(7, 5, 1), false, {this_log, 7, 3}},
    {"one that overlaps", group_of(7, 3, 2), false, {this_log, 7, 3}},
    {"the next group", group_of(7, 4, 2), true, {this_log, 7, 5}},
    {"a term's Open after itself", open_of(7, 7), false, {this_log, 7, 5}},
    {"an Open of another log", open_of(7, 9, other_log), false, {this_log, 7, 5}},
    {"the next Open", open_of(7, 9), true, {this_log, 9, 5}},
    {"a zombie's group", group_of(7, 6, 1), false, {this_log, 9, 5}},
    {"a zombie's Open", open_of(7, 10), false, {this_log, 9, 5}},
    {"a group of the new term", group_of(9, 6, 1), true, {this_log, 9, 6}},
    {"an Open of a later generation", open_of(9, 11, adopted), true, {adopted, 11, 6}},
    {"an Open of the generation before", open_of(11, 12), false, {adopted, 11, 6}},
    {"a group over them", group_of(11, 7, 4096), true, {adopted, 11, 4102}},
};

TEST(LogRule, CountsAsTheTableSays) {
  LogRule rule;
  for (const Row& row : table) {
    EXPECT_EQ(judge(rule, row.head), row.counts) << row.what;
    EXPECT_EQ(rule.at(), row.then) << row.what;
  }
}

/// What several writers make of one log: each opens and appends on what it believes, late, twice, out of
/// order, and after others have taken over.
struct Appended {
  Head head;
  int content = 0;  ///< Stands for the events: a place with two contents would be two truths.
};
std::vector<Appended> random_log() {
  std::vector<Appended> log;
  LogRule truth;  // Of the log so far: what a writer learns that has read all of it.
  struct Writer {
    LogRule::Point believes;
  };
  std::vector<Writer> writers(3);
  int content = 0;
  const int steps = *rc::gen::inRange(5, 80);
  for (int step = 0; step < steps; ++step) {
    Writer& writer = writers[*rc::gen::inRange<std::size_t>(0, writers.size())];
    Appended record;
    record.content = ++content;
    switch (*rc::gen::inRange(0, 12)) {
      case 0:
      case 1:
      case 2:
        writer.believes = truth.at();  // Has read to the end.
        continue;
      case 3:
        record.head = open_of(writer.believes.term, static_cast<Term>(step) + 100);
        writer.believes.term = static_cast<Term>(step) + 100;
        break;
      case 4:
        if (log.empty()) continue;
        record = log[*rc::gen::inRange<std::size_t>(0, log.size())];  // A duplicate, or a late retry.
        break;
      default: {
        const auto count = *rc::gen::inRange<std::uint32_t>(1, 4);
        record.head = group_of(writer.believes.term, writer.believes.last + 1, count);
        writer.believes.last += count;
        if (*rc::gen::inRange(0, 5) == 0) continue;  // Dropped on its way.
      }
    }
    const auto where = *rc::gen::inRange(0, 6) == 0 && !log.empty()
                           ? log.size() - 1  // Overtaken by the one before it.
                           : log.size();
    log.insert(log.begin() + static_cast<std::ptrdiff_t>(where), record);
    truth = LogRule();
    for (const Appended& each : log) judge(truth, each.head);
  }
  return log;
}

TEST(LogRule, EveryReaderCountsTheSameAndEachPlaceOnceWhereverItStarts) {
  std::size_t counted_groups = 0, ignored = 0;
  const bool held = rc::check([&] {
    const auto log = random_log();
    std::vector<LogRule::Point> points{LogRule::Point{}};
    std::vector<bool> counts;
    std::vector<int> content_of_place{0};
    LogRule first;
    for (const Appended& record : log) {
      const Place before = first.at().last;
      const bool counted = judge(first, record.head);
      counts.push_back(counted);
      points.push_back(first.at());
      ignored += !counted;
      const auto* group = std::get_if<GroupHead>(&record.head);
      if (!counted) RC_ASSERT(points[points.size() - 2] == first.at());
      if (!counted || group == nullptr) continue;
      ++counted_groups;
      RC_ASSERT(group->first == before + 1);
      RC_ASSERT(first.at().last == before + group->count);
      content_of_place.resize(static_cast<std::size_t>(first.at().last) + 1, record.content);
    }
    RC_ASSERT(std::find(content_of_place.begin() + 1, content_of_place.end(), 0) == content_of_place.end());
    for (std::size_t start = 0; start <= log.size(); ++start) {
      LogRule reader(points[start]);
      for (std::size_t at = start; at < log.size(); ++at) {
        RC_ASSERT(judge(reader, log[at].head) == counts[at]);
        RC_ASSERT(reader.at() == points[at + 1]);
      }
    }
  });
  EXPECT_TRUE(held);
  EXPECT_GT(counted_groups, 50u) << "the logs are worth reading";
  EXPECT_GT(ignored, 50u);
}

}  // namespace
}  // namespace market::sale
