#include "services/product/edit_product.hpp"

#include <gtest/gtest.h>

#include "tests/support/board_gate.hpp"
#include "tests/support/test_accounts.hpp"

namespace market::product {
namespace {

class EditProductTest : public testing::Test {
 protected:
  EditProductTest() {
    shoes_ =
        gate_.decided(Command(ListProduct{ProductTerms{}, ProductTexts{"Shoes", "", "", ""}, 5}))->product();
    gate_.submits = 0;
  }
  std::optional<Code> run(Edit edit, bool once = false) {
    const auto edited = tests::answer_of(io_, edits_.run(shoes_, std::move(edit), once));
    return edited ? std::nullopt : std::optional(edited.error().code);
  }
  /// What somebody else does between reading and deciding.
  void change_elsewhere() {
    const ShownProduct now = *gate_.board.find(shoes_);
    ChangeProduct change{shoes_, now.version, now.terms, now.texts};
    change.texts.description += '!';
    ASSERT_TRUE(gate_.decided(Command(std::move(change))));
  }
  const ShownProduct& shown() const { return *gate_.board.find(shoes_); }

  asio::io_context io_{1};
  tests::MovedClock clock_;
  tests::BoardGate gate_{clock_};
  EditProduct edits_{gate_.board, gate_};
  ProductId shoes_;
};

Result<> rename(const ShownProduct&, ProductTerms&, ProductTexts& texts) {
  texts.name = "Boots";
  return {};
}
Result<> leave(const ShownProduct&, ProductTerms&, ProductTexts&) {
  return {};
}

Task<> run_nothing() {
  co_return Result<>();
}
Task<> run_nowhere() {
  co_return fail(Code::unavailable, "the log does not say where it ends");
}

TEST_F(EditProductTest, TheBoardShowsItAfterwards) {
  EXPECT_EQ(run(rename), std::nullopt);
  EXPECT_EQ(shown().texts.name, "Boots");
  EXPECT_EQ(shown().version, 2);
}

TEST_F(EditProductTest, AnEditThatChangesNothingAsksNobody) {
  EXPECT_EQ(run(leave), std::nullopt);
  EXPECT_EQ(gate_.submits, 0);
  EXPECT_EQ(shown().version, 1);
}

/// On an instance that is behind, what it shows is neither what the edit leaves as it is nor a reason to
/// refuse.
TEST_F(EditProductTest, WhatAsksNobodyIsLookedAtOnceMoreWhenTheBoardHasCaughtUp) {
  int caught_up = 0;
  const EditProduct behind(gate_.board, gate_, [&]() -> Task<> {
    if (++caught_up == 1) change_elsewhere();
    return run_nothing();
  });
  const auto run_behind = [&](Edit edit) {
    const auto edited = tests::answer_of(io_, behind.run(shoes_, std::move(edit), false));
    return edited ? std::nullopt : std::optional(edited.error().code);
  };
  const auto clear = [](const ShownProduct&, ProductTerms&, ProductTexts& texts) -> Result<> {
    texts.description.clear();
    return {};
  };
  EXPECT_EQ(run_behind(clear), std::nullopt);
  EXPECT_EQ(gate_.submits, 1) << "it is empty here, and was not any more";
  EXPECT_EQ(shown().texts.description, "");
  EXPECT_EQ(run_behind(rename), std::nullopt);
  EXPECT_EQ(caught_up, 1) << "what changes something is decided elsewhere";
  caught_up = 0;
  const auto expect_other = [](const ShownProduct&, ProductTerms&, ProductTexts& texts) -> Result<> {
    if (texts.description.empty()) return fail(Code::sale_closed, "as it was");
    return {};
  };
  EXPECT_EQ(run_behind(expect_other), std::nullopt);
  EXPECT_EQ(gate_.submits, 2);
}

TEST_F(EditProductTest, WhereItCannotCatchUpItSaysSo) {
  const EditProduct behind(gate_.board, gate_, [] { return run_nowhere(); });
  const auto edited = tests::answer_of(io_, behind.run(shoes_, leave, false));
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().code, Code::unavailable);
}

TEST_F(EditProductTest, IsMadeAgainOnWhatOthersHaveMadeOfIt) {
  int others = 3;
  gate_.before_decide = [&] {
    if (others-- > 0) change_elsewhere();
  };
  EXPECT_EQ(run(rename), std::nullopt);
  EXPECT_EQ(shown().texts.name, "Boots");
  EXPECT_EQ(shown().texts.description, "!!!") << "no change is lost";
  EXPECT_EQ(gate_.submits, 4);
}

TEST_F(EditProductTest, GivesUpWhenOthersChangeItAllTheTime) {
  gate_.before_decide = [&] { change_elsewhere(); };
  EXPECT_EQ(run(rename), Code::overloaded);
  EXPECT_EQ(gate_.submits, EditProduct::tries_max);
  EXPECT_EQ(shown().texts.name, "Shoes");
}

TEST_F(EditProductTest, WhoNamesTheVersionIsToldOfAnother) {
  gate_.before_decide = [&] { change_elsewhere(); };
  EXPECT_EQ(run(rename, true), Code::precondition_failed);
  EXPECT_EQ(gate_.submits, 1);
}

TEST_F(EditProductTest, FindsOnlyWhatIsForSale) {
  const auto withdraw = [](const ShownProduct&, ProductTerms& terms, ProductTexts&) -> Result<> {
    terms.withdrawn = true;
    return {};
  };
  EXPECT_EQ(run(withdraw), std::nullopt);
  EXPECT_EQ(run(rename), Code::product_not_found);
  EXPECT_EQ(run(withdraw), Code::product_not_found);
  shoes_ = ProductId{1};
  EXPECT_EQ(run(rename), Code::product_not_found);
}

TEST_F(EditProductTest, RefusalsReachTheCaller) {
  const auto refuse = [](const ShownProduct&, ProductTerms&, ProductTexts&) -> Result<> {
    return fail(Code::validation, "no");
  };
  EXPECT_EQ(run(refuse), Code::validation);
  EXPECT_EQ(gate_.submits, 0);
  gate_.gate_failure = Code::unavailable;
  EXPECT_EQ(run(rename), Code::unavailable);
  EXPECT_EQ(gate_.submits, 1) << "its outcome is unknown: not tried again";
}

}  // namespace
}  // namespace market::product
