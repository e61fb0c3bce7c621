#include "http/message/problem_sentence.hpp"

#include <gtest/gtest.h>

#include "http/message/problem.hpp"

namespace market::http {
namespace {

TEST(ProblemSentence, TheLanguageWithTheGreaterWeightIsSpoken) {
  for (const char* korean : {"ko", "ko-KR", "KO-kr,en;q=0.9", "en;q=0.8, ko;q=0.9", "fr, ko;q=0.1", "ko,en",
                             "ko;q=1.0", " ko ; q=0.5", "de,ko-KR;q=0.7,en;q=0.3"})
    EXPECT_EQ(language_of(korean), Language::korean) << korean;
  for (const char* english : {"", "en", "en,ko", "ko;q=0", "fr", "*", "ko;q=0.1,en;q=0.2", "kok", "k", ",,;",
                              "ko;q=x", "ko;q=2", "ko;q=-1", ";q=1", "ko;q="})
    EXPECT_EQ(language_of(english), Language::english) << english;
}

TEST(ProblemSentence, EachCodeHasOneInBothLanguages) {
  for (int i = 0; i <= static_cast<int>(last_code); ++i) {
    const std::string_view code = problem_of(static_cast<Code>(i)).code;
    for (const Language language : {Language::english, Language::korean}) {
      const auto sentence = sentence_for(code, language);
      EXPECT_NE(sentence, sentence_for("surely_unknown", language)) << code;
      EXPECT_EQ(sentence.find_first_of("\"\\\n"), std::string_view::npos) << code;
    }
  }
}

TEST(ProblemSentence, StandsInTheDocument) {
  std::string problem =
      R"({"type":"/problems/sold_out","detail":"\"code\":\"x\"","code":"sold_out","traceId":"t"})";
  add_sentence(problem, "ko-KR");
  EXPECT_TRUE(problem.ends_with(R"("traceId":"t","message":"품절되었습니다"})")) << problem;
  std::string other = R"({"code":"method_not_allowed"})";
  add_sentence(other, "");
  EXPECT_EQ(other, R"({"code":"method_not_allowed","message":"The request could not be handled"})");
  for (const char* strange : {"", "{}", "code", R"({"code":")"}) {
    std::string text = strange;
    add_sentence(text, "ko");
    EXPECT_EQ(text, strange);
  }
}

}  // namespace
}  // namespace market::http
