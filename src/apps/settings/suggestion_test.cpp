#include "apps/settings/suggestion.hpp"

#include <gtest/gtest.h>

namespace market::apps {
namespace {

TEST(SuggestionTest, NamesTheNearestWordIfOneIsNear) {
  const std::vector<std::string> known{"serve",      "seed", "backup", "--listen", "orders.payment_window",
                                       "http.listen"};
  const std::pair<const char*, const char*> words[] = {
      {"sreve", "; did you mean serve?"},
      {"bakcup", "; did you mean backup?"},
      {"--lisen", "; did you mean --listen?"},
      {"orders.payment_windov", "; did you mean orders.payment_window?"},
      {"payment_window", "; did you mean orders.payment_window?"},
      {"zzz", ""},
      {"", ""},
  };
  for (const auto& [word, says] : words) EXPECT_EQ(suggestion(word, known), says) << word;
  EXPECT_EQ(suggestion(std::string(100'000, 'x'), known), "");
  EXPECT_EQ(suggestion("serve", {}), "");
}

}  // namespace
}  // namespace market::apps
