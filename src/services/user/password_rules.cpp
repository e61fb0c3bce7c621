#include "services/user/password_rules.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "wire/json/json.hpp"

namespace market::user {
namespace {

constexpr std::size_t longest_listed_password = 32;  ///< Bytes; no list of common passwords has longer ones.

/// Words that common passwords are made of. A password that is one or two of these with digits or signs
/// around them is on every list; so the rule catches more than a list of 3,000 ready passwords of ten letters
/// would.
constexpr std::array<std::string_view, 118> common_words{
    "password",  "passwort",      "passw0rd",   "p@ssw0rd",   "p@ssword",  "letmein",  "welcome",
    "admin",     "administrator", "root",       "user",       "login",     "master",   "monkey",
    "dragon",    "football",      "baseball",   "basketball", "soccer",    "hockey",   "iloveyou",
    "ilove",     "love",          "princess",   "sunshine",   "shadow",    "superman", "batman",
    "spiderman", "starwars",      "pokemon",    "michael",    "jordan",    "jennifer", "jessica",
    "ashley",    "daniel",        "thomas",     "robert",     "matthew",   "andrew",   "joshua",
    "charlie",   "maggie",        "hunter",     "killer",     "freedom",   "whatever", "trustno",
    "qwerty",    "qwertz",        "azerty",     "qwertyuiop", "asdfghjkl", "asdfgh",   "asdf",
    "zxcvbnm",   "zxcvbn",        "qazwsx",     "qazwsxedc",  "1q2w3e4r",  "1qaz2wsx", "abc",
    "abcdef",    "abcdefgh",      "abcdefghij", "test",       "testing",   "tester",   "guest",
    "default",   "changeme",      "secret",     "computer",   "internet",  "samsung",  "google",
    "facebook",  "microsoft",     "windows",    "apple",      "cookie",    "cheese",   "banana",
    "orange",    "summer",        "winter",     "spring",     "autumn",    "january",  "monday",
    "hello",     "helloworld",    "world",      "access",     "flower",    "ginger",   "pepper",
    "chocolate", "purple",        "yellow",     "silver",     "golden",    "diamond",  "liverpool",
    "chelsea",   "arsenal",       "mustang",    "ferrari",    "porsche",   "corvette", "mercedes",
    "yankees",   "lakers",        "korea",      "seoul",      "market",    "shop"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// aaaaaaaaaa, 1212121212, 123123123123, 0123456789, abcdefghij and the like.
bool is_run(std::string_view text) {
  for (std::size_t period = 1; period <= text.size() / 3; ++period) {
    bool repeats = true;
    for (std::size_t i = period; i < text.size() && repeats; ++i) repeats = text[i] == text[i - period];
    if (repeats) return true;
  }
  std::size_t steps = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const int step = text[i] - text[i - 1];
    steps += step == 1 || step == -1 || (text[i - 1] == '9' && text[i] == '0');
  }
  return steps + 2 >= text.size();
}

bool is_sign(char c) {
  return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80));
}

/// Nothing is left of the text when common words and digits are taken away. Signs around the words are on the
/// lists too; words set apart by signs are somebody's own.
bool is_made_of_common_words(std::string text) {
  while (!text.empty() && is_sign(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_sign));
  bool any = false;
  // Longer words first, so that "password" is not cut by "pass".
  for (bool found = true; found;) {
    found = false;
    std::string_view best;
    for (const auto word : common_words)
      if (word.size() > best.size() && text.find(word) != std::string::npos) best = word;
    if (best.empty()) break;
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(text.find(best)), best.size(), '0');
    any = found = true;
  }
  const auto letters = std::count_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; });
  return any && letters <= 1 && std::none_of(text.begin(), text.end(), is_sign);
}

}  // namespace

Result<> check_password(std::string_view password, std::string_view email, std::string field) {
  if (wire::count_characters(password) < password_characters_min)
    return invalid_field(std::move(field), "length", "must have 10 characters or more");
  if (password.size() > password_bytes_max)
    return invalid_field(std::move(field), "length", "must have 512 bytes or fewer");
  std::string folded(password);
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  std::string address(email);
  std::transform(address.begin(), address.end(), address.begin(), lower);
  const bool may_be_listed = folded.size() <= longest_listed_password;
  if ((may_be_listed && (is_run(folded) || is_made_of_common_words(folded))) || folded == address)
    return invalid_field(std::move(field), "common", "is a common password; take another one");
  return {};
}

}  // namespace market::user
