#include "sale/command_desk.hpp"

#include <gtest/gtest.h>

namespace market::sale {
namespace {

class DeskTest : public testing::Test {
 protected:
  DeskTest() { desk.begin(1); }
  CommandDesk::Taken take(std::uint64_t session, std::uint64_t number, std::uint64_t floor = 1) {
    wire::CommandMessage message{1, {session, 1}, floor, {}};
    Command command = CancelOrder{OrderId{5}, UserId{1}, false};
    command.id = {session, 1, number};
    message.commands.push_back(std::move(command));
    return desk.take(std::move(message));
  }
  void refuse(std::uint64_t session, std::uint64_t number, wire::Term term = 1) {
    wire::CommandAnswer answer;
    answer.number = number;
    answer.refused = Error(Code::order_not_found, "no such order");
    desk.decided(term, {session, 1, number}, answer);
  }
  CommandDesk desk;
};

TEST_F(DeskTest, GivesTheSameAnswerAgainAndDecidesOnce) {
  EXPECT_EQ(take(7, 3).fresh.size(), 1u);
  const auto undecided = take(7, 3);
  EXPECT_TRUE(undecided.fresh.empty() && undecided.known.empty()) << "it is being decided";
  refuse(7, 3);
  const auto again = take(7, 3);
  EXPECT_TRUE(again.fresh.empty());
  ASSERT_EQ(again.known.size(), 1u);
  EXPECT_EQ(again.known[0].refused->code, Code::order_not_found);
}

TEST_F(DeskTest, IgnoresDecisionsThatNobodyWaitsForAnyMore) {
  take(7, 3);
  refuse(7, 3, 2);  // Of another term.
  refuse(8, 3);     // Of a session that is not known.
  refuse(7, 4);     // Of a number that is not.
  EXPECT_TRUE(take(7, 3).known.empty());
  EXPECT_TRUE(take(7, 5, 5).known.empty());
  refuse(7, 3);  // Below the floor by now.
  EXPECT_EQ(take(7, 5, 5).known.size(), 0u);
}

TEST_F(DeskTest, TheSessionThatWasSilentForLongestMakesRoom) {
  for (std::uint64_t session = 1; session <= CommandDesk::sessions_max; ++session) take(session, 1);
  take(1, 2);  // 2 is the oldest from here on.
  EXPECT_EQ(take(CommandDesk::sessions_max + 1, 1).fresh.size(), 1u);
  EXPECT_TRUE(take(1, 1).fresh.empty()) << "it is remembered";
  EXPECT_EQ(take(2, 1).fresh.size(), 1u) << "it was forgotten";
}

}  // namespace
}  // namespace market::sale
