#include "wire/auth/password_text.hpp"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <zxcvbn.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "wire/json/unicode.hpp"

namespace market::wire {
namespace {

/// zxcvbn's work grows with the fourth power of a text of digits: 2 ms for these, 200 ms for 64 bytes.
constexpr std::size_t judged_bytes_max = 24;
/// A longer text is judged once more up to here: a cut through a word makes it look rare.
constexpr std::size_t judged_again_bytes = 16;

/// What a text repeats, as often as it likes; else the text itself.
std::string_view repeated_part(std::string_view text) {
  std::vector<std::size_t> border(text.size() + 1);  // Of each beginning: how much of it is its end, too.
  for (std::size_t at = 1, same = 0; at < text.size(); ++at) {
    while (same > 0 && text[at] != text[same]) same = border[same];
    if (text[at] == text[same]) ++same;
    border[at + 1] = same;
  }
  const std::size_t period = text.size() - border.back();
  return 2 * period <= text.size() ? text.substr(0, period) : text;
}

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_ending(std::string_view text, std::string_view ending) {
  if (ending.size() > text.size()) return false;
  text.remove_prefix(text.size() - ending.size());
  return std::equal(text.begin(), text.end(), ending.begin(),
                    [](char one, char other) { return small(one) == small(other); });
}

/// In bits. `own_words` count where the text's end cuts them, too.
double strength(std::string_view text, std::vector<std::string> own_words) {
  const std::size_t whole = own_words.size();
  for (std::size_t i = 0; i < whole; ++i) {
    std::string_view word = own_words[i];
    while (word.size() > 3 && !is_ending(text, word)) word.remove_suffix(1);
    if (word.size() > 3 && word.size() < own_words[i].size()) own_words.emplace_back(word);
  }
  std::vector<const char*> words;
  for (const auto& word : own_words) words.push_back(word.c_str());
  words.push_back(nullptr);
  return ZxcvbnMatch(std::string(text).c_str(), words.data(), nullptr);
}

}  // namespace

std::string prepared_password(std::string_view password) {
  if (!is_utf8(password)) return std::string(password);
  auto text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(password.data(), static_cast<int>(password.size())));
  for (int at = 0; at < text.length(); ++at)  // Spaces lie in the first plane: one code unit each.
    if (u_charType(text[at]) == U_SPACE_SEPARATOR) text.setCharAt(at, u' ');
  UErrorCode error = U_ZERO_ERROR;
  const auto* const nfc = icu::Normalizer2::getNFCInstance(error);
  check(U_SUCCESS(error), "ICU has its normalisation data");
  const auto normal = nfc->normalize(text, error);
  check(U_SUCCESS(error), "a text of bounded length can be normalised");
  std::string prepared;
  normal.toUTF8String(prepared);
  return prepared;
}

bool is_password_text(std::string_view password) {
  if (!is_utf8(password)) return false;
  while (!password.empty()) {
    const auto c = static_cast<UChar32>(*take_character(password));
    switch (u_charType(c)) {
      case U_CONTROL_CHAR:
      case U_UNASSIGNED:
      case U_PRIVATE_USE_CHAR:
      case U_SURROGATE:
        return false;
      default:
        break;
    }
  }
  return true;
}

int password_score(std::string_view password, const std::vector<std::string>& own_words) {
  const bool cut = password.size() > judged_bytes_max;
  if (cut) password = repeated_part(password);
  double bits = strength(password.substr(0, judged_bytes_max), own_words);
  if (cut) bits = std::min(bits, strength(password.substr(0, judged_again_bytes), own_words));
  constexpr std::array bits_of_score{9.97, 19.93, 26.58, 33.22};  // 10^3, 10^6, 10^8 and 10^10 guesses.
  int score = 0;
  for (const double least : bits_of_score) score += bits >= least;
  return score;
}

}  // namespace market::wire
