"""Buys once with a client that was generated from the document: buy.py URL PRODUCT EMAIL PASSWORD"""

import json
import sys

import market_client as market

url, product_id, email, password = sys.argv[1:]
with market.ApiClient(market.Configuration(host=url)) as client:
    market.UsersApi(client).sign_up(market.SignUp(email=email, password=password, name="Kim"))
    tokens = market.SessionsApi(client).sign_in(market.SignIn(email=email, password=password))
    client.configuration.access_token = tokens.access_token
    product = market.ProductsApi(client).get_product(product_id)
    assert product.sale and product.sale.opens_at, "an event has a sale"
    orders = market.OrdersApi(client)
    wanted = market.OrderInput(items=[market.OrderItemInput(product_id=product_id, quantity=1)])
    order = orders.place_order(wanted, idempotency_key="generated-python")
    paid = orders.pay_order(order.id, market.PaymentInput(method="card", token="ok"))
    print(json.dumps({"state": paid.state.value, "ticket": paid.items[0].ticket}))
