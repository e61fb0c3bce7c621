#include "services/product/search_text.hpp"

#include <gtest/gtest.h>

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

TEST(SearchText, ASingleDigitIsANumberOfItsOwn) {
  EXPECT_TRUE(finds("thing 2", "Thing 2", "", "c-2af3"));
  EXPECT_TRUE(finds("사이즈 2", "사이즈2"));
  EXPECT_FALSE(finds("thing 2", "Thing 3", "", "c-2af3 x92"));
  EXPECT_TRUE(finds("15", "Phone15")) << "longer numbers are parts like any other";
}

}  // namespace
}  // namespace market::product
