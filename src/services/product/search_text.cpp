#include "services/product/search_text.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

#include "base/task_fair_pool.hpp"

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
  const auto most = folded_growth_max * static_cast<std::size_t>(text.length());
  return std::u16string(whole.getBuffer(), std::min(most, static_cast<std::size_t>(whole.length())));
}

SearchWord::SearchWord(std::u16string word) : word_(std::move(word)) {
  if (word_.size() > letters_max) word_.resize(letters_max);
  for (std::size_t i = 0; i < word_.size(); ++i) {
    const char16_t c = word_[i];
    auto& alike = letters_[c % letters_.size()];
    const auto known =
        std::find_if(alike.begin(), alike.end(), [c](const Letter& each) { return each.letter == c; });
    const Places place = Places{1} << i;
    if (known == alike.end())
      alike.push_back({c, place});
    else
      known->places |= place;
    if (is_initial(c)) initials_[c - first_initial] |= place;
  }
  // It may still be in the typing.
  if (!word_.empty() && is_syllable(word_.back()) && (word_.back() - first_syllable) % finals == 0)
    open_ = (word_.back() - first_syllable) / finals;
}

/// The letters of the word that this one of a text may be.
SearchWord::Places SearchWord::places_of(char16_t there) const {
  Places places = 0;
  for (const Letter& each : letters_[there % letters_.size()])
    if (each.letter == there) places = each.places;
  if (!is_syllable(there)) return places;
  const int index = there - first_syllable;
  places |= initials_[static_cast<std::size_t>(index / (vowels * finals))];
  if (index / finals == open_) places |= Places{1} << (word_.size() - 1);
  return places;
}

bool SearchWord::is_in(const std::u16string& text) const {
  if (word_.empty()) return true;
  const Places whole = Places{1} << (word_.size() - 1);
  Places reached = 0;
  for (const char16_t there : text) {
    reached = (reached << 1 | 1) & places_of(there);
    if ((reached & whole) != 0) return true;
  }
  return false;
}

SearchQuery::SearchQuery(std::string_view utf8, Millis longest) : longest_(longest) {
  for (std::u16string& word : words_of(fold_for_search(utf8)))
    if (words_.size() < words_max) words_.emplace_back(std::move(word));
}

void SearchQuery::expect_time() const {
  const auto now = std::chrono::steady_clock::now();
  if (!began_) began_ = now;
  if (now - *began_ > longest_)
    throw OutOfTime("this search takes too long; ask for fewer words, or by category");
}

SearchText::SearchText(std::string_view name, std::string_view category, std::string_view description) {
  const std::u16string head = fold_for_search(name) + u'\n' + fold_for_search(category);
  text_ = head + u'\n' + fold_for_search(description);
  text_.shrink_to_fit();
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

bool SearchText::has_word(const SearchWord& word) const {
  const std::u16string& letters = word.letters();
  if (letters.size() == 1 && letters[0] >= u'0' && letters[0] <= u'9') return has_digit(letters[0]);
  return word.is_in(text_);
}

bool SearchText::has_misspelt(const std::u16string& word) const {
  const std::size_t most = errors_max(word.size());
  if (most == 0 || !is_latin(word)) return false;
  return std::any_of(words_.begin(), words_.end(),
                     [&](const std::u16string& there) { return is_near(word, there, most); });
}

bool SearchText::matches(const SearchQuery& query) const {
  if (query.empty()) return true;
  query.expect_time();
  return std::all_of(query.words_.begin(), query.words_.end(), [this](const SearchWord& word) {
    return has_word(word) || has_misspelt(word.letters());
  });
}

std::size_t SearchText::bytes() const {
  std::size_t sum = text_.capacity() * sizeof(char16_t);
  for (const std::u16string& word : words_) sum += sizeof word + word.capacity() * sizeof(char16_t);
  return sum;
}

}  // namespace market::product
