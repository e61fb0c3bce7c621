#include "services/user/password_rules.hpp"

#include "domain/account/email.hpp"
#include "wire/auth/password_text.hpp"
#include "wire/json/json.hpp"

namespace market::user {
namespace {

/// The parts of the address, and of what the shop is called: nobody's secret.
std::vector<std::string> known_words(std::string_view email) {
  std::vector<std::string> words{"market", "ecommerce", "shop"};
  std::string word;
  for (const char c : email_key(email) + '@') {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
      continue;
    }
    if (word.size() >= 3) words.push_back(word);
    word.clear();
  }
  return words;
}

}  // namespace

Result<> check_password(std::string_view password, std::string_view email, std::string field) {
  if (wire::count_characters(password) < password_characters_min)
    return invalid_field(std::move(field), "length", "must have 10 characters or more");
  if (password.size() > password_bytes_max)
    return invalid_field(std::move(field), "length", "must have 512 bytes or fewer");
  if (!wire::is_password_text(password))
    return invalid_field(std::move(field), "format",
                         "has a character that is no text (a tab, a line break, an unassigned one)");
  if (email_key(password) == email_key(email))
    return invalid_field(std::move(field), "common", "must not be the e-mail address");
  if (wire::password_score(password, known_words(email)) < password_score_min)
    return invalid_field(std::move(field), "common", "is easily guessed; take another one");
  return {};
}

}  // namespace market::user
