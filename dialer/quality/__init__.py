"""Quality assurance beside a node: drawing what is to be listened to, when its time comes."""
