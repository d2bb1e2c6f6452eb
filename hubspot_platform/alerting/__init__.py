"""Pure alert logic: what a stream of measurements means, whom to tell, and the words to say it in.

Nothing here reads a clock, a database or the network. `state.incidents` feeds the machine and stores what it
decides; `automation.alert_delivery` sends what the message builders return.
"""
