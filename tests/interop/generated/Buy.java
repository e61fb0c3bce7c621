import java.util.List;
import market.ApiClient;
import market.api.OrdersApi;
import market.api.ProductsApi;
import market.api.SessionsApi;
import market.api.UsersApi;
import market.model.*;

/** Buys once with a client that was generated from the document: Buy URL PRODUCT EMAIL PASSWORD. */
public class Buy {
  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(args[0]);
    new UsersApi(client).signUp(new SignUp().email(args[2]).password(args[3]).name("Kim"));
    Tokens tokens = new SessionsApi(client).signIn(new SignIn().email(args[2]).password(args[3]), null);
    client.setRequestInterceptor(
        request -> request.header("Authorization", "Bearer " + tokens.getAccessToken()));
    Product product = new ProductsApi(client).getProduct(args[1], null);
    if (product.getSale() == null || product.getSale().getOpensAt() == null)
      throw new IllegalStateException("an event has a sale");
    OrderItemInput item = new OrderItemInput().productId(product.getId()).quantity(1);
    OrdersApi orders = new OrdersApi(client);
    Order order = orders.placeOrder(new OrderInput().items(List.of(item)), "generated-java");
    PaymentInput card = new PaymentInput().method(PaymentInput.MethodEnum.CARD).token("ok");
    Order paid = orders.payOrder(order.getId(), card, null);
    System.out.printf(
        "{\"state\": \"%s\", \"ticket\": %d}%n", paid.getState(), paid.getItems().get(0).getTicket());
  }
}
