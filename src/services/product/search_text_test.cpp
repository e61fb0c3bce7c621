#include "services/product/search_text.hpp"

#include <gtest/gtest.h>

#include "base/task_fair_pool.hpp"

namespace market::product {
namespace {

bool finds(std::string_view query, std::string_view name, std::string_view description = "",
           std::string_view category = "") {
  return SearchText(name, category, description).matches(SearchQuery(query));
}

TEST(SearchText, FindsInAnyCaseAndForm) {
  EXPECT_TRUE(finds("CAFÉ", "Café"));
  EXPECT_TRUE(finds("cafe", "CAFÉ"));
  EXPECT_TRUE(finds("caf\u0065\u0301", "Café")) << "decomposed";
  EXPECT_TRUE(finds("strasse", "Straße"));
  EXPECT_TRUE(finds("ＲＥＤ", "red")) << "full width";
  EXPECT_TRUE(finds("ﬁre", "Fire")) << "a ligature";
  EXPECT_TRUE(finds("\u1100\u1161\u1107\u1161\u11BC", "가방")) << "decomposed Hangul";
  EXPECT_TRUE(finds("가방", "\u1100\u1161\u1107\u1161\u11BC"));
}

TEST(SearchText, FindsWordsInAnyOrder) {
  EXPECT_TRUE(finds("bag red", "Red leather bag"));
  EXPECT_TRUE(finds("  leather\t RED ", "Red leather bag"));
  EXPECT_TRUE(finds("seoul bag", "Bag", "made in Seoul"));
  EXPECT_TRUE(finds("hats cap", "Cap", "", "Hats"));
  EXPECT_FALSE(finds("bag blue", "Red leather bag"));
  EXPECT_TRUE(finds("", "anything"));
  EXPECT_TRUE(finds("ather", "Red leather bag")) << "a part of a word";
  EXPECT_FALSE(finds("redleather", "Red leather bag"));
}

TEST(SearchText, FindsHangulByInitialConsonants) {
  EXPECT_TRUE(finds("ㄱㅂ", "가방"));
  EXPECT_TRUE(finds("ㅎㅈㅍ", "한정판 가방"));
  EXPECT_TRUE(finds("ㅈㅍ", "한정판")) << "anywhere in the word";
  EXPECT_TRUE(finds("가ㅂ", "가방")) << "syllables and initials together";
  EXPECT_TRUE(finds("ㄲ", "까치"));
  EXPECT_FALSE(finds("ㄱ", "까치")) << "another consonant";
  EXPECT_FALSE(finds("ㄴㅂ", "가방"));
  EXPECT_FALSE(finds("ㅇ", "강")) << "a final consonant is no initial one";
  EXPECT_TRUE(finds("ㅋㅋ", "ㅋㅋ 티셔츠")) << "consonants that stand alone";
}

TEST(SearchText, FindsASyllableThatIsStillBeingTyped) {
  EXPECT_TRUE(finds("가바", "가방"));
  EXPECT_TRUE(finds("한저", "한정판"));
  EXPECT_FALSE(finds("하정", "한정판")) << "only the last syllable is still open";
  EXPECT_FALSE(finds("가박", "가방"));
}

TEST(SearchText, FindsLatinWordsWithTypingErrors) {
  for (const char* typed : {"concret", "comcert", "conert", "concertt", "cnocert"})
    EXPECT_TRUE(finds(typed, "The Concert")) << typed;
  EXPECT_TRUE(finds("photgrapyh", "Photography")) << "two in a long word";
  EXPECT_FALSE(finds("kxncxrt", "Concert")) << "too many";
  EXPECT_FALSE(finds("cat", "car")) << "a short word has none";
  EXPECT_FALSE(finds("concret", "Bag", "a concert bag")) << "not in descriptions";
}

TEST(SearchText, EndsWithWhateverItIsGiven) {
  const std::string long_word(70'000, 'a'), many(4'000, ' ');
  EXPECT_TRUE(finds(long_word, long_word));
  EXPECT_FALSE(finds(long_word + "b", "a"));
  EXPECT_TRUE(finds(many, "x"));
  EXPECT_FALSE(finds("%", "x"));
  EXPECT_FALSE(finds("_", "x"));
  EXPECT_FALSE(finds("' OR 1=1 --", "x"));
  EXPECT_FALSE(finds(std::string("\0", 1) + "a", "b"));
  EXPECT_FALSE(finds("\xF0\x9F\x8E\x81", "x"));
  EXPECT_TRUE(finds("\xF0\x9F\x8E\x81", "a gift \xF0\x9F\x8E\x81"));
}

std::string times(int count, std::string_view text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(SearchText, TakesNoLongerForWordsThatNearlyMatchEverywhere) {
  const std::string description = times(10'000, "한");
  std::vector<SearchText> texts;
  for (int i = 0; i < 200; ++i) texts.emplace_back("Bag", "", description);
  const auto time_of = [&](const std::string& query) {
    auto best = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 3; ++i) {
      const SearchQuery asked(query, Millis(60'000));
      const auto began = std::chrono::steady_clock::now();
      for (const SearchText& text : texts) EXPECT_FALSE(text.matches(asked));
      best = std::min(best, std::chrono::steady_clock::now() - began);
    }
    return best;
  };
  EXPECT_LT(time_of(times(31, "한") + "나"), 5 * time_of("나나")) << "each character is looked at once";
}

TEST(SearchText, LooksForTheBeginningOfALongWord) {
  const std::string most = times(SearchWord::letters_max, "한");
  EXPECT_TRUE(finds(most + "나", most)) << "the rest is not looked for";
  EXPECT_FALSE(finds(times(SearchWord::letters_max - 1, "한") + "나", times(30, "한") + "나무판"));
  EXPECT_TRUE(finds(times(SearchWord::letters_max - 1, "한") + "나", most + "날"));
  EXPECT_TRUE(finds(times(SearchWord::letters_max, "ㅎ"), most));
}

TEST(SearchText, ASearchThatTakesTooLongEnds) {
  const SearchText text("Bag", "", times(10'000, "한"));
  const SearchQuery query("한나", Millis(20));
  const auto look = [&] {
    for (;;) EXPECT_FALSE(text.matches(query));
  };
  EXPECT_THROW(look(), OutOfTime);
  EXPECT_TRUE(text.matches(SearchQuery("bag", Millis(20)))) << "each search has its own time";
}

TEST(SearchText, KeepsNoMoreThanItWasGiven) {
  const std::string long_one = times(3'333, "\xEF\xB7\xBA");  // U+FDFA: 18 characters in NFKC.
  EXPECT_LE(SearchText("Bag", "", long_one).bytes(), 3 * long_one.size());
  EXPECT_EQ(fold_for_search(long_one).size(), folded_growth_max * 3'333);
  EXPECT_TRUE(finds("주식회사 株式会社", "㈜ 주식회사 ㍿")) << "what people write is kept whole";
}

TEST(SearchText, ASingleDigitIsANumberOfItsOwn) {
  EXPECT_TRUE(finds("thing 2", "Thing 2", "", "c-2af3"));
  EXPECT_TRUE(finds("사이즈 2", "사이즈2"));
  EXPECT_FALSE(finds("thing 2", "Thing 3", "", "c-2af3 x92"));
  EXPECT_TRUE(finds("15", "Phone15")) << "longer numbers are parts like any other";
}

}  // namespace
}  // namespace market::product
