#include "services/product/search_text.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

namespace market::product {
namespace {

constexpr char16_t first_syllable = 0xAC00, last_syllable = 0xD7A3;
constexpr char16_t first_initial = 0x1100, last_initial = 0x1112;
constexpr int vowels = 21, finals = 28;

bool is_syllable(char16_t c) {
  return c >= first_syllable && c <= last_syllable;
}
bool is_initial(char16_t c) {
  return c >= first_initial && c <= last_initial;
}

/// Whether a character of the query stands for this one of the text. `last`: of a word that may still be in
/// the typing.
bool stands_for(char16_t asked, char16_t there, bool last) {
  if (asked == there) return true;
  if (!is_syllable(there)) return false;
  const int index = there - first_syllable;
  if (is_initial(asked)) return asked - first_initial == index / (vowels * finals);
  const bool open = is_syllable(asked) && (asked - first_syllable) % finals == 0;
  return last && open && (asked - first_syllable) / finals == index / finals;
}

bool is_latin(char16_t c) {
  return (c >= u'a' && c <= u'z') || (c >= u'0' && c <= u'9');
}
bool is_latin(const std::u16string& word) {
  return std::all_of(word.begin(), word.end(), [](char16_t c) { return is_latin(c); });
}

/// How many typing errors a word of this length may have.
std::size_t errors_max(std::size_t letters) {
  constexpr std::size_t one_from = 4, two_from = 8;
  return letters >= two_from ? 2 : letters >= one_from ? 1 : 0;
}

/// Whether letters added, left out, changed, or two neighbours turned round lead from one word to the other
/// in `most` steps (optimal string alignment).
bool is_near(const std::u16string& a, const std::u16string& b, std::size_t most) {
  constexpr std::size_t letters_max = 64;
  if (a.size() > letters_max || b.size() > letters_max) return false;
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return false;
  std::array<std::array<std::size_t, letters_max + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& higher = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], higher[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()] <= most;
}

std::vector<std::u16string> words_of(const std::u16string& folded) {
  std::vector<std::u16string> words;
  std::u16string word;
  for (const char16_t c : folded) {
    const bool is_space = u_isUWhiteSpace(c) || c == 0;
    if (!is_space) word += c;
    if (is_space && !word.empty()) words.push_back(std::exchange(word, {}));
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// Letters and digits only: "red-hot" is two words.
std::vector<std::u16string> letter_words_of(const std::u16string& folded) {
  std::u16string apart = folded;
  for (char16_t& c : apart)
    if (!u_isalnum(c)) c = u' ';
  return words_of(apart);
}

}  // namespace

std::u16string fold_for_search(std::string_view utf8) {
  UErrorCode error = U_ZERO_ERROR;
  const auto* const fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  const auto* const decompose = icu::Normalizer2::getNFDInstance(error);
  const auto* const compose = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return {};
  const auto text = icu::UnicodeString::fromUTF8({utf8.data(), static_cast<std::int32_t>(utf8.size())});
  const auto apart = decompose->normalize(fold->normalize(text, error), error);
  icu::UnicodeString plain;
  for (std::int32_t i = 0; i < apart.length(); ++i) {
    const char16_t c = apart[i];
    constexpr char16_t first_accent = 0x0300, last_accent = 0x036F;
    if (c < first_accent || c > last_accent) plain.append(c);
  }
  const auto whole = compose->normalize(plain, error);
  if (U_FAILURE(error)) return {};
  return std::u16string(whole.getBuffer(), static_cast<std::size_t>(whole.length()));
}

SearchQuery::SearchQuery(std::string_view utf8) : words_(words_of(fold_for_search(utf8))) {
  if (words_.size() > words_max) words_.resize(words_max);
}

SearchText::SearchText(std::string_view name, std::string_view category, std::string_view description) {
  const std::u16string head = fold_for_search(name) + u'\n' + fold_for_search(category);
  text_ = head + u'\n' + fold_for_search(description);
  for (std::u16string& word : letter_words_of(head))
    if (is_latin(word) && errors_max(word.size() + 1) > 0) words_.push_back(std::move(word));
}

/// A single digit asks for that number ("size 2"), not for any text with a 2 in it.
bool SearchText::has_digit(char16_t digit) const {
  for (std::size_t i = 0; i < text_.size(); ++i)
    if (text_[i] == digit && (i == 0 || !is_latin(text_[i - 1])) &&
        (i + 1 == text_.size() || !is_latin(text_[i + 1])))
      return true;
  return false;
}

bool SearchText::has_word(const std::u16string& word) const {
  const std::size_t size = word.size();
  if (size == 1 && word[0] >= u'0' && word[0] <= u'9') return has_digit(word[0]);
  if (text_.find(word) != std::u16string::npos) return true;
  const bool hangul =
      std::any_of(word.begin(), word.end(), [](char16_t c) { return is_syllable(c) || is_initial(c); });
  if (!hangul) return false;
  for (std::size_t at = 0; at + size <= text_.size(); ++at) {
    std::size_t same = 0;
    while (same < size && stands_for(word[same], text_[at + same], same + 1 == size)) ++same;
    if (same == size) return true;
  }
  return false;
}

bool SearchText::has_misspelt(const std::u16string& word) const {
  const std::size_t most = errors_max(word.size());
  if (most == 0 || !is_latin(word)) return false;
  return std::any_of(words_.begin(), words_.end(),
                     [&](const std::u16string& there) { return is_near(word, there, most); });
}

bool SearchText::matches(const SearchQuery& query) const {
  return std::all_of(query.words_.begin(), query.words_.end(),
                     [this](const std::u16string& word) { return has_word(word) || has_misspelt(word); });
}

}  // namespace market::product
